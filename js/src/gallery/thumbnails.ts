// Loads thumbnails when scrolling has settled, so that flying over thousands asks for none of them.

const SETTLED = 80

export interface Thumbnails {
  want(image: HTMLImageElement, address: string): void
  /** The picture has left the view: what is under way is given up. */
  drop(image: HTMLImageElement): void
  /** Loading waits until this has not been called for a while. */
  scrolled(): void
}

export function makeThumbnails(): Thumbnails {
  const wanted = new Map<HTMLImageElement, string>()
  let timer: ReturnType<typeof setTimeout> | undefined
  const load = (): void => {
    timer = undefined
    for (const [image, address] of wanted) image.src = address
    wanted.clear()
  }
  return {
    want(image, address) {
      wanted.set(image, address)
      timer ??= setTimeout(load)
    },
    drop(image) {
      wanted.delete(image)
      image.removeAttribute('src')
    },
    scrolled() {
      clearTimeout(timer)
      timer = setTimeout(load, SETTLED)
    },
  }
}
