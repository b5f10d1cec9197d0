// Before the first paint: what the server wrote into <html>, the system's theme where that is wanted, and the reader's own colours as
// the browser remembers them. A classic script, so that nothing flashes.
(() => {
  const root = document.documentElement;
  if (root.dataset.theme === "system") root.dataset.theme = matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark";
  try {
    const { up, down, accent } = JSON.parse(localStorage.getItem("gcg.colours") || "{}");
    const tokens = { up, "up-text": up, down, "down-text": down, accent };
    for (const [token, colour] of Object.entries(tokens)) if (colour) root.style.setProperty(`--${token}`, colour);
  } catch {
    root.dataset.storage = "none"; // a browser that forbids storage: the server tells the colours a moment later
  }
})();
