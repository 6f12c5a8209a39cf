import type { Libvirtd } from './launch.ts'

/** Names of what carries our mark on a host, as libvirt lists it. */
export const marked = async ({ virsh, pool }: Pick<Libvirtd, 'virsh' | 'pool'>): Promise<string[]> => {
  const lists = [
    ['list', '--all', '--name'],
    ['vol-list', pool],
    ['pool-list', '--all'],
    ['net-list', '--all'],
    ['nwfilter-list'],
  ]
  const told = await Promise.all(lists.map((words) => virsh(...words)))
  return told.flatMap((text) => text.match(/plimsoll\S*/g) ?? [])
}
