import { useEffect, useId, useState } from 'preact/hooks'
import { asFault } from '../api/fault.ts'
import { notify } from '../parts/notice.tsx'
import { type Project, projectsOf, type Session, switchProject } from './session.ts'

/** The project that is worked in, and the others to go to. */
export const ProjectSwitch = ({ session }: { session: Session }) => {
  const id = useId()
  const [projects, setProjects] = useState<Project[]>([])
  const [wanted, setWanted] = useState<string | null>(null)
  const current = session.project
  useEffect(() => {
    if (session.bound) return
    projectsOf().then(setProjects, (error) =>
      notify(`Which projects are yours is not known: ${asFault(error).message}`),
    )
  }, [session.bound, current?.id])
  const listed = current && !projects.some((each) => each.id === current.id) ? [current, ...projects] : projects
  const go = async (to: string) => {
    setWanted(to)
    try {
      await switchProject(to)
    } catch (error) {
      notify(`You are still where you were: ${asFault(error).message}`)
    }
    // Where it failed, the one that is worked in is shown again.
    setWanted(null)
  }
  return (
    <div class="switch">
      <label for={id} class="small quiet">
        Project
      </label>
      <select
        id={id}
        value={wanted ?? current?.id ?? ''}
        disabled={listed.length < 2 || wanted !== null}
        onChange={(event) => void go(event.currentTarget.value)}
      >
        {!current && <option value="">none</option>}
        {listed.map((project) => (
          <option key={project.id} value={project.id}>
            {project.name}
          </option>
        ))}
      </select>
    </div>
  )
}
