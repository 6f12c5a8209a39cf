/** An image as Glance shows it, as far as the console does. */
export interface Image {
  id: string
  name: string | null
  status: string
  visibility: string
  size: number | null
  disk_format: string | null
  min_disk: number
  min_ram: number
  protected: boolean
  owner: string | null
  checksum: string | null
  created_at: string
  architecture?: string
  description?: string
  /** On which clouds it is ready. */
  'plimsoll:clouds'?: string
}

export const imagesIn = (body: unknown): Image[] => (body as { images: Image[] }).images

const number = new Intl.NumberFormat('en', { maximumFractionDigits: 1 })

/** Bytes as people read them: `20.7 MiB`. */
export const byteWords = (bytes: number | null): string => {
  if (bytes === null) return '–'
  for (const [unit, size] of [
    ['GiB', 2 ** 30],
    ['MiB', 2 ** 20],
    ['KiB', 2 ** 10],
  ] as const)
    if (bytes >= size) return `${number.format(bytes / size)} ${unit}`
  return `${bytes} B`
}
