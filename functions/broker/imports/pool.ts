/** So many imports are fetched by a process at a time, and so many of one project: the others wait, whoever is slow. */
const AT_ONCE = 8
const OF_A_PROJECT = 2

/** Which imports a process fetches now. */
export class ImportPool {
  readonly #running = new Map<string, number>()
  #all = 0
  #starved = false

  /** Projects that have all of their places; null: all are taken. Whoever is told so waits until one is left. */
  get crowded(): string[] | null {
    if (this.#all >= AT_ONCE) return null
    return [...this.#running].flatMap(([project, count]) => (count >= OF_A_PROJECT ? project : []))
  }

  /** Notes that there may be somebody who waits for a place. */
  wait(): void {
    this.#starved = true
  }

  /** False: there is no place. */
  enter(project: string): boolean {
    const count = this.#running.get(project) ?? 0
    if (this.#all >= AT_ONCE || count >= OF_A_PROJECT) return false
    this.#running.set(project, count + 1)
    this.#all++
    return true
  }

  /** True: somebody may have waited for the place. */
  leave(project: string): boolean {
    const count = (this.#running.get(project) ?? 1) - 1
    if (count > 0) this.#running.set(project, count)
    else this.#running.delete(project)
    this.#all--
    const waited = this.#starved
    this.#starved = false
    return waited
  }
}
