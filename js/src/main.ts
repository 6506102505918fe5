import { app } from './comfy'

app.registerExtension({ name: 'resonance' })
