import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Simulations, and walks over every route: some take half a minute, however short they are to read. */
const LONG = /\/test\/(simulate|broker|strangers|sweep)\//

/** What takes long begins first, so that no worker is alone with it at the end. Runtimes stay one after the other. */
export class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const runtimes = [...new Set(sorted.map(({ project }) => project))]
    const place = ({ project, moduleId }: TestSpecification) =>
      2 * runtimes.indexOf(project) + (LONG.test(moduleId) ? 0 : 1)
    return sorted.sort((one, other) => place(one) - place(other))
  }
}
