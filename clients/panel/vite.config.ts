import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

export default defineConfig({
  plugins: [react(), tailwindcss()],
  // Chunks are found beside panel.js, wherever a host serves it from.
  base: "./",
  build: {
    // What a webview of an editor of 2024 runs.
    target: "chrome122",
    // A font or picture that were inlined would need `data:` in the host's policy.
    assetsInlineLimit: 0,
    // Chunks are loaded one at a time, on demand: nothing is to be fetched ahead of them.
    modulePreload: false,
    chunkSizeWarningLimit: 4000,
    license: { fileName: "licences.md" },
    rolldownOptions: {
      input: "src/main.tsx",
      output: {
        entryFileNames: "panel.js",
        chunkFileNames: "chunks/[name]-[hash].js",
        assetFileNames: (asset) => (asset.names.includes("main.css") ? "panel.css" : "chunks/[name]-[hash][extname]"),
      },
    },
  },
  test: {
    environment: "jsdom",
    include: ["test/**/*.test.{ts,tsx}"],
    setupFiles: ["test/setup.ts"],
    css: false,
  },
});
