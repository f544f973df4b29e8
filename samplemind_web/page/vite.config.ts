import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";
import { compression } from "./compression.ts";

const api = process.env.SAMPLEMIND_API ?? "http://127.0.0.1:8765";

export default defineConfig({
  plugins: [react(), tailwindcss(), compression()],
  resolve: { alias: { "@": new URL("./src", import.meta.url).pathname } },
  build: {
    target: "es2022",
    // The content security policy allows no data: URLs for scripts and fonts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // How long plugins take is of no interest to whoever builds the page once.
    rolldownOptions: { checks: { pluginTimings: false } },
  },
  worker: { format: "es" },
  // `npm run dev` shows the page while it is worked on; the API is that of a running `samplemind web`.
  server: { proxy: { "/api": api, "/healthz": api, "/readyz": api } },
});
