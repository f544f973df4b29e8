/** What both ways of drawing the map have in common. */

import { pixelsOf } from "@/parts/canvas";
import { type Camera, pointSize, type Size, toScreen } from "./camera";
import type { Cloud } from "./cloud";

export const FIELDS = ["instrument", "key", "tempo"] as const;
export type Field = (typeof FIELDS)[number];

/** For each field 256 colours as RGBA bytes; an alpha of zero hides the points that have that value. */
export type Palettes = Readonly<Record<Field, Uint8Array<ArrayBuffer>>>;

export interface Scene {
  readonly camera: Camera;
  readonly size: Size;
  readonly palettes: Palettes;
  readonly colourBy: Field;
  /** 0 to 1, while the points appear. */
  readonly opacity: number;
  /** Whether points that are not chosen are dimmed. */
  readonly dimmed: boolean;
}

export interface Drawing {
  readonly usesWebGl: boolean;
  /** Say which points are chosen: one byte for each. */
  choose(chosen: Uint8Array): void;
  draw(scene: Scene): void;
  close(): void;
}

const VERTEX = `#version 300 es
precision highp float;
in float x;
in float y;
in uint instrument;
in uint key;
in uint tempo;
in uint chosen;
uniform vec2 middle;
uniform vec2 stretch;
uniform float diameter;
uniform float opacity;
uniform bool dimmed;
uniform int colourBy;
uniform sampler2D palettes;
out vec4 colour;
void main() {
  vec4 a = texelFetch(palettes, ivec2(int(instrument), 0), 0);
  vec4 b = texelFetch(palettes, ivec2(int(key), 1), 0);
  vec4 c = texelFetch(palettes, ivec2(int(tempo), 2), 0);
  if (a.a * b.a * c.a == 0.0) {
    gl_Position = vec4(2.0, 2.0, 2.0, 1.0);
    gl_PointSize = 0.0;
    return;
  }
  vec3 rgb = colourBy == 0 ? a.rgb : colourBy == 1 ? b.rgb : c.rgb;
  float alpha = opacity * (dimmed && chosen == 0u ? 0.15 : 1.0);
  colour = vec4(rgb * alpha, alpha);
  gl_Position = vec4((vec2(x, y) - middle) * stretch, 0.0, 1.0);
  gl_PointSize = diameter;
}`;

const FRAGMENT = `#version 300 es
precision mediump float;
in vec4 colour;
out vec4 pixel;
void main() {
  float edge = 1.0 - smoothstep(0.35, 0.5, distance(gl_PointCoord, vec2(0.5)));
  pixel = colour * edge;
}`;

/**
 * Return a drawing by WebGL 2; null if the browser has none. One call draws all points. We use WebGL directly because
 * the libraries for such maps compile their draw calls from text, which the content security policy forbids.
 */
export function webGlDrawing(canvas: HTMLCanvasElement, cloud: Cloud): Drawing | null {
  const gl = canvas.getContext("webgl2", { antialias: false, premultipliedAlpha: true });
  if (gl === null) return null;
  const program = linked(gl);
  if (program === null) return null;
  // biome-ignore lint/correctness/useHookAtTopLevel: this is a call of WebGL and no hook of React.
  gl.useProgram(program);
  const buffers = [
    attribute(gl, program, "x", cloud.x),
    attribute(gl, program, "y", cloud.y),
    attribute(gl, program, "instrument", cloud.instrument),
    attribute(gl, program, "key", cloud.key),
    attribute(gl, program, "tempo", cloud.tempo),
  ];
  const chosen = attribute(gl, program, "chosen", new Uint8Array(cloud.count));
  const texture = gl.createTexture();
  gl.bindTexture(gl.TEXTURE_2D, texture);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
  gl.enable(gl.BLEND);
  gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  const uniform = (name: string) => gl.getUniformLocation(program, name);
  const places = {
    middle: uniform("middle"),
    stretch: uniform("stretch"),
    diameter: uniform("diameter"),
    opacity: uniform("opacity"),
    dimmed: uniform("dimmed"),
    colourBy: uniform("colourBy"),
  };
  let drawn: Palettes | null = null;
  return {
    usesWebGl: true,
    choose(values) {
      gl.bindBuffer(gl.ARRAY_BUFFER, chosen);
      gl.bufferSubData(gl.ARRAY_BUFFER, 0, values);
    },
    draw({ camera, size, palettes, colourBy, opacity, dimmed }) {
      const ratio = matchPixels(canvas, size);
      gl.viewport(0, 0, canvas.width, canvas.height);
      gl.clearColor(0, 0, 0, 0);
      gl.clear(gl.COLOR_BUFFER_BIT);
      if (palettes !== drawn) {
        const rows = new Uint8Array(3 * 1024);
        FIELDS.forEach((field, row) => {
          rows.set(palettes[field], 1024 * row);
        });
        gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, 256, 3, 0, gl.RGBA, gl.UNSIGNED_BYTE, rows);
        drawn = palettes;
      }
      gl.uniform2f(places.middle, camera.x, camera.y);
      gl.uniform2f(places.stretch, (2 * camera.scale) / size.width, (2 * camera.scale) / size.height);
      gl.uniform1f(places.diameter, Math.max(pointSize(cloud.count, camera, size) * ratio, 1.5));
      gl.uniform1f(places.opacity, opacity * (cloud.count > 300_000 ? 0.7 : 0.9));
      gl.uniform1i(places.dimmed, dimmed ? 1 : 0);
      gl.uniform1i(places.colourBy, FIELDS.indexOf(colourBy));
      gl.drawArrays(gl.POINTS, 0, cloud.count);
    },
    close() {
      for (const buffer of [...buffers, chosen]) gl.deleteBuffer(buffer);
      gl.deleteTexture(texture);
      gl.deleteProgram(program);
    },
  };
}

function linked(gl: WebGL2RenderingContext): WebGLProgram | null {
  const program = gl.createProgram();
  for (const [kind, source] of [
    [gl.VERTEX_SHADER, VERTEX],
    [gl.FRAGMENT_SHADER, FRAGMENT],
  ] as const) {
    const shader = gl.createShader(kind);
    if (shader === null) return null;
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  return gl.getProgramParameter(program, gl.LINK_STATUS) ? program : null;
}

function attribute(
  gl: WebGL2RenderingContext,
  program: WebGLProgram,
  name: string,
  values: Float32Array | Uint8Array,
): WebGLBuffer {
  const buffer = gl.createBuffer();
  const place = gl.getAttribLocation(program, name);
  gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
  gl.bufferData(gl.ARRAY_BUFFER, values as Float32Array<ArrayBuffer>, gl.DYNAMIC_DRAW);
  gl.enableVertexAttribArray(place);
  if (values instanceof Uint8Array) gl.vertexAttribIPointer(place, 1, gl.UNSIGNED_BYTE, 0, 0);
  else gl.vertexAttribPointer(place, 1, gl.FLOAT, false, 0, 0);
  return buffer;
}

/** Return a drawing by the processor, for browsers without WebGL; it writes the pixels itself. */
export function plainDrawing(canvas: HTMLCanvasElement, cloud: Cloud): Drawing | null {
  const context = pixelsOf(canvas);
  if (context === null) return null;
  let chosen = new Uint8Array(cloud.count);
  return {
    usesWebGl: false,
    choose(values) {
      chosen = new Uint8Array(values);
    },
    draw({ camera, size, palettes, colourBy, opacity, dimmed }) {
      const ratio = matchPixels(canvas, size);
      const image = context.createImageData(canvas.width, canvas.height);
      const pixels = new Uint32Array(image.data.buffer);
      const side = Math.max(1, Math.round(pointSize(cloud.count, camera, size) * ratio * 0.8));
      const [a, b, c] = FIELDS.map((field) => new Uint32Array(palettes[field].buffer)) as [
        Uint32Array,
        Uint32Array,
        Uint32Array,
      ];
      const colours = { instrument: a, key: b, tempo: c }[colourBy];
      const values = cloud[colourBy];
      const full = Math.round(255 * opacity) << 24;
      const faint = Math.round(38 * opacity) << 24;
      for (let point = 0; point < cloud.count; point++) {
        const seen =
          (a[cloud.instrument[point] as number] as number) &
          (b[cloud.key[point] as number] as number) &
          (c[cloud.tempo[point] as number] as number);
        if (seen >>> 24 === 0) continue;
        const [left, top] = toScreen(camera, size, cloud.x[point] as number, cloud.y[point] as number);
        const rgb = (colours[values[point] as number] as number) & 0xffffff;
        const colour = (rgb | (dimmed && chosen[point] === 0 ? faint : full)) >>> 0;
        const fromX = Math.round(left * ratio - side / 2);
        const fromY = Math.round(top * ratio - side / 2);
        for (let row = Math.max(fromY, 0); row < Math.min(fromY + side, canvas.height); row++) {
          const from = row * canvas.width + Math.max(fromX, 0);
          const to = row * canvas.width + Math.min(fromX + side, canvas.width);
          if (to > from) pixels.fill(colour, from, to);
        }
      }
      context.putImageData(image, 0, 0);
    },
    close() {
      chosen = new Uint8Array(0);
    },
  };
}

/** Give a canvas as many pixels as its place on the screen has; return the pixels per CSS pixel. */
export function matchPixels(canvas: HTMLCanvasElement, size: Size): number {
  const ratio = Math.min(window.devicePixelRatio || 1, 2);
  const width = Math.max(1, Math.round(size.width * ratio));
  const height = Math.max(1, Math.round(size.height * ratio));
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  return ratio;
}
