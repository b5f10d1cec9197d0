// Before the first paint: the reader's own theme and language, if chosen here before. A classic script, so that nothing flashes.
(() => {
  const root = document.documentElement;
  try {
    const theme = localStorage.getItem("gcg.theme");
    const system = matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark";
    if (theme) root.dataset.theme = theme === "system" ? system : theme;
    root.lang = localStorage.getItem("gcg.language") || root.lang;
  } catch {
    root.dataset.storage = "none"; // a browser that forbids storage: the server's settings stay
  }
})();
