/** Builds the spatial index of the points away from the thread that draws. */

import KDBush from "kdbush";

self.addEventListener("message", (event: MessageEvent<{ x: Float32Array; y: Float32Array }>) => {
  const { x, y } = event.data;
  const index = new KDBush(x.length, 64, Float32Array);
  for (let point = 0; point < x.length; point++) index.add(x[point] as number, y[point] as number);
  index.finish();
  postMessage(index.data, { transfer: [index.data] });
});
