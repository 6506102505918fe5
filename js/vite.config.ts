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
      // What the entry needs at once is in it, whoever else needs it too: one request when the page opens.
      preserveEntrySignatures: 'allow-extension',
      external: (id: string) => /\/scripts\/(app|api)\.js$/.test(id),
      output: {
        entryFileNames: 'resonance.js',
        chunkFileNames: '[name]-[hash].mjs',
        codeSplitting: { groups: [{ name: 'resonance', tags: ['$initial'] }] },
      },
    },
  },
  test: { environment: 'happy-dom', include: ['test/**/*.test.ts'] },
})
