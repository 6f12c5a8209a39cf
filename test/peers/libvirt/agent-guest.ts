import { beginning, guestDisk } from './guest-disk.ts'

const MODULES = [
  ...['virtio_pci', 'virtio_blk', 'virtio_scsi', 'sr_mod', 'isofs', 'virtio_net', 'button', 'evdev'],
  ...['virtio_console'],
]

/**
 * Keeps a word on the volume that it is given, and puts off to write down what it keeps there for as long as can be; tells on
 * its console what its agent is told, what was on the volume before, and which password was set. After that it does not hold still any more, but hangs.
 */
const INIT = `${beginning(MODULES)}
mkdir -p /files /var/run /var/log /tmp /root
echo 'root:x:0:0:root:/root:/bin/sh' > /etc/passwd
echo 'root:*:19000:0:99999:7:::' > /etc/shadow
echo 2 > /proc/sys/kernel/printk
echo 360000 > /proc/sys/vm/dirty_expire_centisecs; echo 0 > /proc/sys/vm/dirty_writeback_centisecs
mount -t iso9660 -o ro "$disc" /seed && sh /seed/user-data
channel=
while [ -z "$channel" ]; do
  for port in /sys/class/virtio-ports/*; do
    [ "$(cat "$port/name" 2> /dev/null)" = org.qemu.guest_agent.0 ] && channel=/dev/\${port##*/}
  done
  sleep 1
done
qemu-ga -m virtio-serial -p $channel -F/bin/hook -l /var/log/ga &
echo "guest: its agent listens"
last='*'
while :; do
  now=$(sed -n 's/^root:\\([^:]*\\):.*/\\1/p' /etc/shadow)
  [ "$now" = "$last" ] || { echo "guest: root has $now"; touch /hangs; }
  last=$now
  if [ -b /dev/vdb ] && [ ! -e /mounted ]; then
    mount -t ext4 /dev/vdb /files 2> /dev/null || { mke2fs /dev/vdb > /dev/null; mount -t ext4 /dev/vdb /files; }
    echo "guest: its volume has <$(cat /files/word 2> /dev/null)>"
    cp /word /files/word
    touch /mounted
  fi
  sleep 1
done
`

/** What the agent runs before all is held still and after it goes on. */
const HOOK = '#!/bin/sh\necho "guest: told to $1" > /dev/console\n[ "$1" != freeze ] || [ ! -e /hangs ] || sleep 3600\n'

/** The agent hands a password to the program of this name, which busybox lacks. */
const CHANGE_PASSWORD = `#!/bin/sh
IFS=: read -r user word
hash=$(mkpasswd -m sha512 "$word")
sed -i "s|^$user:[^:]*:|$user:$hash:|" /etc/shadow
`

/** A disk as `guestImage`, in whose guest `qemu-guest-agent` runs. @returns its path */
export const agentImage = (): Promise<string> =>
  guestDisk('agent-5.qcow2', {
    modules: MODULES,
    scripts: { init: INIT, 'bin/hook': HOOK, 'bin/chpasswd': CHANGE_PASSWORD },
    packages: ['qemu-guest-agent', 'libc6', 'libglib2.0-0', 'libnuma1', 'libudev1', 'liburing2', 'libpcre2-8-0'],
    programs: ['usr/sbin/qemu-ga'],
  })
