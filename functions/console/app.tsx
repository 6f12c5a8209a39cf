import type { ComponentType } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { live } from './api/events.ts'
import { asFault, type Fault } from './api/fault.ts'
import { Boundary } from './boundary.tsx'
import type { Page, PageProps, Room } from './page.ts'
import { PAGES } from './pages.ts'
import { Dialog } from './parts/dialog.tsx'
import { Empty } from './parts/empty.tsx'
import { FaultNote } from './parts/fault.tsx'
import { Heading } from './parts/heading.tsx'
import { Wordmark } from './parts/mark.tsx'
import { Notices } from './parts/notice.tsx'
import { linkTo, paramsIn, route } from './router.ts'
import { Login, LoginForm } from './session/login.tsx'
import { door, has, logOut, openSession, type Session } from './session/session.ts'
import { ProjectSwitch } from './session/switch.tsx'
import { useStore } from './store.ts'

/** The console: the door, or the frame with the page of the address. */
export const App = () => {
  const { phase, session, fault } = useStore(door)
  // While somebody stands before the door, the page behind it is fetched.
  useEffect(() => {
    if (phase === 'out') void PAGES[0]?.load()
  }, [phase])
  if (phase === 'opening')
    return fault ? (
      <main class="door">
        <FaultNote fault={fault} again={() => void openSession()} />
      </main>
    ) : (
      <p class="door quiet">Opening…</p>
    )
  if (phase === 'out' || !session) return <Login />
  return (
    <>
      <button type="button" class="skip" onClick={() => document.getElementById('main')?.focus()}>
        To the content
      </button>
      <Top session={session} />
      <div class="frame">
        <Menu session={session} />
        <main id="main" tabIndex={-1}>
          {/* Another project is another page. */}
          <Shown key={session.project?.id ?? ''} session={session} />
        </main>
      </div>
      <Notices />
      {phase === 'ended' && <Again session={session} />}
    </>
  )
}

const Top = ({ session }: { session: Session }) => {
  const isLive = useStore(live)
  return (
    <header class="top">
      <a class="home" href={linkTo('/')} aria-label="Plimsoll, overview">
        <Wordmark />
      </a>
      <ProjectSwitch session={session} />
      <span class="spring" />
      {isLive ? (
        <span class="live small" title="What happens is shown as it happens">
          live
        </span>
      ) : (
        isLive === false && (
          <span class="quiet small" title="What happens is not told now: load the page again to see it">
            not live
          </span>
        )
      )}
      <span class="small who">
        {session.user.name}
        <span class="quiet"> · {session.roles.join(', ') || 'no role'}</span>
      </span>
      <button type="button" class="plain" onClick={() => void logOut()}>
        Log out
      </button>
    </header>
  )
}

const ROOMS: Room[] = ['Project', 'Administration']
const isFor = (page: Page, session: Session): boolean => page.who !== 'admin' || has(session, 'admin')

const Menu = ({ session }: { session: Session }) => {
  const { path } = useStore(route)
  return (
    <nav class="menu" aria-label="Pages">
      {ROOMS.map((room) => {
        const pages = PAGES.filter((page) => page.menu?.room === room && isFor(page, session))
        if (!pages.length) return null
        return (
          <div key={room}>
            <p class="small quiet">{room}</p>
            <ul>
              {pages.map((page) => (
                <li key={page.path}>
                  <a href={linkTo(page.path)} aria-current={isWithin(path, page.path) ? 'page' : undefined}>
                    {page.menu?.name}
                  </a>
                </li>
              ))}
            </ul>
          </div>
        )
      })}
    </nav>
  )
}

const isWithin = (path: string, page: string): boolean => path === page || (page !== '/' && path.startsWith(`${page}/`))

/** The page that the address says. */
const Shown = ({ session }: { session: Session }) => {
  const { path, query } = useStore(route)
  const found = PAGES.flatMap((page) => {
    const params = paramsIn(page.path, path)
    return params && isFor(page, session) ? [{ page, params }] : []
  })[0]
  const [loaded, setLoaded] = useState<{ page: Page; View: ComponentType<PageProps> } | null>(null)
  const [fault, setFault] = useState<Fault | null>(null)
  const page = found?.page
  useEffect(() => {
    if (!page) return
    let left = false
    setFault(null)
    page.load().then(
      (module) => left || setLoaded({ page, View: module.default }),
      (error) => left || setFault(asFault(error)),
    )
    return () => {
      left = true
    }
  }, [page])
  if (!found)
    return (
      <>
        <Heading title="There is no such page" />
        <Empty
          title="Nothing is here"
          action={
            <a class="button" href={linkTo('/')}>
              To the overview
            </a>
          }
        >
          <p>The address names no page of the console, or one that your role does not have.</p>
        </Empty>
      </>
    )
  if (fault) return <FaultNote fault={fault} again={() => location.reload()} />
  if (loaded?.page !== found.page) return <p class="quiet waiting">Opening…</p>
  const { View } = loaded
  return (
    <Boundary key={path} at={`${path}?${query}`}>
      <View params={found.params} query={query} />
    </Boundary>
  )
}

/** The token is over, and nothing is known by which to get another: what stands on the page stays. */
const Again = ({ session }: { session: Session }) => (
  <Dialog title="Your session is over">
    <p class="quiet">Log in again to go on where you were. Nothing on this page is lost.</p>
    <LoginForm
      again={{ user: session.user.name, domain: session.user.domain.name, project: session.project?.name ?? '' }}
    />
    <div class="row end">
      <button type="button" class="plain" onClick={() => void logOut()}>
        Log out
      </button>
    </div>
  </Dialog>
)
