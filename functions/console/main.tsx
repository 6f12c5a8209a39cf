import 'uplot/dist/uPlot.min.css'
import './style/base.css'
import './style/frame.css'
import './style/parts.css'
import './style/tables.css'
import './style/hull.css'
import './style/servers.css'
import './style/pages.css'
import { render } from 'preact'
import { App } from './app.tsx'
import { openSession } from './session/session.ts'

render(<App />, document.getElementById('console') as HTMLElement)
void openSession()
