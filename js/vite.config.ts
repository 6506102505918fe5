import { defineConfig } from 'vitest/config'

// ComfyUI imports every .js file below web/ when the page opens: only the entry is one. Lazy chunks are .mjs files, which
// it lets browsers cache, so that their names carry a hash.
export default defineConfig({
  build: {
    outDir: '../web/js',
    emptyOutDir: true,
    target: 'es2022',
    minify: false,
    modulePreload: false,
    lib: { entry: 'src/main.ts', formats: ['es'] },
    rollupOptions: {
      // What the entry shares with lazy chunks stays in it: one request when the page opens.
      preserveEntrySignatures: 'allow-extension',
      external: (id: string) => /\/scripts\/(app|api)\.js$/.test(id),
      output: { entryFileNames: 'resonance.js', chunkFileNames: '[name]-[hash].mjs' },
    },
  },
  test: { environment: 'happy-dom', include: ['test/**/*.test.ts'] },
})
