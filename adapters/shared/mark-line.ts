import { KINDS, type Kind, type Mark } from '../contract.ts'

/** A mark in one line, short enough for a port group's description (255 characters). */
export const writeMark = ({ deployment, project, kind, resource, token, epoch }: Mark): string =>
  ['plimsoll', deployment, project || '-', kind, resource, token, epoch].join(' ')

/** Any mark in a text, whose ever; undefined if there is none. */
export const readMark = (text: string | undefined): Mark | undefined => {
  const [, deployment, project, kind, resource, token, epoch] =
    /^plimsoll (\S+) (\S+) (\S+) (\S+) (\S+) (\d+)$/m.exec(text ?? '') ?? []
  if (!deployment || !resource || !token || !KINDS.includes(kind as Kind)) return undefined
  return {
    deployment,
    project: project === '-' ? '' : (project ?? ''),
    kind: kind as Kind,
    resource,
    token,
    epoch: Number(epoch),
  }
}
