import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { services } from '../../functions/services.ts'
import { apiReference } from '../support/reference.ts'
import { bodiesPage, pageName } from './bodies.ts'
import { NAMES, printedDocument } from './documents.ts'
import { eventsPage } from './events.ts'
import { metricsPage } from './metrics.ts'

/** `npm run reference` writes the pages that follow from the code. Tests check that they are current. */
writeFileSync('docs/api.md', apiReference(services))
rmSync('docs/reference', { recursive: true, force: true })
mkdirSync('docs/reference')
for (const service of services) writeFileSync(`docs/reference/${pageName(service)}`, await bodiesPage(service))
for (const name of NAMES) writeFileSync(`docs/reference/${name}.openapi.json`, await printedDocument(name))
writeFileSync('docs/reference/events.md', eventsPage())
writeFileSync('docs/instruments/metrics.md', metricsPage())
// The skip lists in this page are written for the test runner.
const { status } = spawnSync('vitest', ['run', '--project', 'node', 'test/limitations.node.test.ts', '-u'])
if (status !== 0) console.error('docs/limitations.md could not be written: npx vitest run test/limitations')
process.exit(status ?? 1)
