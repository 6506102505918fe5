// Loads thumbnails when scrolling has settled, so that flying over thousands asks for none of them.

const SETTLED = 80

/** So many load at a time: a browser keeps six connections to a server, and Run is not to wait for one of them. */
const AT_ONCE = 4

export interface Thumbnails {
  want(image: HTMLImageElement, address: string): void
  /** The picture has left the view: what is under way is given up. */
  drop(image: HTMLImageElement): void
  /** Loading waits until this has not been called for a while. */
  scrolled(): void
}

export function makeThumbnails(): Thumbnails {
  const wanted = new Map<HTMLImageElement, string>()
  const loading = new Set<HTMLImageElement>()
  let timer: ReturnType<typeof setTimeout> | undefined
  const load = (): void => {
    timer = undefined
    for (const [image, address] of wanted) {
      if (loading.size === AT_ONCE) return
      wanted.delete(image)
      loading.add(image)
      for (const end of ['load', 'error']) image.addEventListener(end, () => over(image), { once: true })
      image.src = address
    }
  }
  const loadSoon = (): void => {
    timer ??= setTimeout(load)
  }
  const over = (image: HTMLImageElement): void => {
    if (loading.delete(image)) loadSoon()
  }
  return {
    want(image, address) {
      wanted.set(image, address)
      loadSoon()
    },
    drop(image) {
      wanted.delete(image)
      image.removeAttribute('src')
      over(image)
    },
    scrolled() {
      clearTimeout(timer)
      timer = setTimeout(load, SETTLED)
    },
  }
}
