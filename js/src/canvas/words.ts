// The words of a region as a form has them: its own description, its details, its tags.

import { type Canvas, ownPrefixes, type Region } from './canvas'

/** The global prefixes that a local region begins with. */
export function sharedPrefixes(canvas: Canvas, region: Region): readonly string[] {
  return region.prefixes.slice(0, region.prefixes.length - ownPrefixes(canvas, region).length)
}

/** The suffixes without the line of tags. */
export function details(region: Region): readonly string[] {
  return region.suffixes.filter((_, i) => i !== region.tags)
}

/** The line of tags, or nothing. */
export function tagsOf(region: Region): string {
  return region.tags === null ? '' : (region.suffixes[region.tags] ?? '')
}

/** Other details. Tags that stood last stay last, others as near to their place as can be. */
export function withDetails(region: Region, rows: readonly string[]): Partial<Region> {
  if (region.tags === null) return { suffixes: rows }
  const isLast = region.tags === region.suffixes.length - 1
  const tags = isLast ? rows.length : Math.min(region.tags, rows.length)
  return { suffixes: [...rows.slice(0, tags), tagsOf(region), ...rows.slice(tags)], tags }
}

/** Other tags; a line without any is no suffix. */
export function withTags(region: Region, line: string): Partial<Region> {
  const blank = line.trim() === ''
  if (region.tags === null) return blank ? {} : { suffixes: [...region.suffixes, line], tags: region.suffixes.length }
  if (blank) return { suffixes: details(region), tags: null }
  return { suffixes: region.suffixes.map((suffix, i) => (i === region.tags ? line : suffix)) }
}
