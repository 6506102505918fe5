// What a bypassed node of ours hands on.

import type { LGraphNode } from './comfy'

/** By kind of node, the input that means the same as an output. */
const SAME: Record<string, Record<string, string>> = {
  ResonanceAlternateControlNets: { positive: 'positive', negative: 'negative' },
  ResonanceCanvas: { canvas: 'canvas', boxes: 'boxes' },
  ResonanceCanvasChat: { conversation: 'conversation' },
  ResonanceColorMatch: { IMAGE: 'image' },
  ResonanceComposePrompt: { positive: 'tags', negative: 'negative' },
  ResonanceContactSheet: { sheet: 'images' },
  ResonanceControlNetLLLite: { MODEL: 'model' },
  ResonanceCooldown: { value: 'value' },
  ResonanceDeepShrink: { MODEL: 'model' },
  ResonanceEncodeLine: { model: 'model' },
  ResonanceFitToLatent: { image: 'image', mask: 'mask' },
  ResonanceGradientGuidance: { MODEL: 'model' },
  ResonanceHighresFix: { latent: 'samples' },
  ResonanceLoRAStack: { MODEL: 'model', CLIP: 'clip' },
  ResonanceNegativeScale: { MODEL: 'model' },
  ResonancePerPictureNoise: { sampler: 'sampler' },
  ResonanceReferencePicture: { model: 'model', conditioning: 'conditioning' },
  ResonanceRegionFromConditioning: { regions: 'regions' },
  ResonanceRegionHeat: { image: 'image' },
  ResonanceRegions: { model: 'model', positive: 'positive', negative: 'negative' },
  ResonanceRoundOutput: { images: 'images' },
  ResonanceRoundWords: { tags: 'tags', caption: 'caption' },
  ResonanceSaveWords: { words: 'words' },
  ResonanceVary: { images: 'image' },
  ResonanceXTI: { model: 'model' },
}

/** The input behind an output, null if there is none, undefined if the node is not ours. */
export function handedOn(node: LGraphNode, output: string): string | null | undefined {
  const kind = node.comfyClass ?? ''
  return kind.startsWith('Resonance') ? (SAME[kind]?.[output] ?? null) : undefined
}
