// Who draws in which frame: however many charts have changed, a frame draws one of them, in the order in which they asked, so that no
// frame takes long. Charts of prices and charts below them take turns. One that asks again before its turn is drawn once.

const queues = { price: new Set(), below: new Set() };
let next = "price";
let asked = false;

function frame() {
  asked = false;
  const other = next === "price" ? "below" : "price";
  const queue = queues[next].size ? queues[next] : queues[other];
  const [draw] = queue;
  next = other;
  queue.delete(draw);
  draw();
  ask();
}

function ask() {
  if (asked || !(queues.price.size + queues.below.size)) return;
  asked = true;
  requestAnimationFrame(frame);
}

/** Return a function that asks for a turn of `draw` among the charts of prices ("price") or of what is "below". */
export function inTurn(kind, draw) {
  return () => {
    queues[kind].add(draw);
    ask();
  };
}
