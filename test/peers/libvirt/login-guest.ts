import { beginning, guestDisk } from './guest-disk.ts'

/** As whom people log in to such a guest, and where its disk is mounted, which outlives a boot. */
export const LOGIN = { user: 'root', folder: '/boot' }

const MODULES = [
  ...['virtio_pci', 'virtio_blk', 'virtio_scsi', 'sr_mod', 'isofs', 'virtio_net', 'button', 'evdev'],
  ...['virtio-rng', 'vfat', 'nls_cp437', 'nls_ascii'],
]

/**
 * Does what NoCloud says of its name, the keys of its user and its network, as far as that is of DHCP, runs user data that is a
 * script, and lets people in by SSH whose key it was told.
 */
const INIT = `${beginning(MODULES)}
mkdir -p /dev/pts /boot /mnt /tmp /var/run /root/.ssh /etc/dropbear
mount -t devpts devpts /dev/pts
mount -t iso9660 -o ro "$disc" /seed
mount -t vfat /dev/vda ${LOGIN.folder}
echo 'root:*:0:0:root:/root:/bin/sh' > /etc/passwd
echo 'root:x:0:' > /etc/group
ip link set lo up
hostname "$(sed -n 's/.*"local-hostname":"\\([^"]*\\)".*/\\1/p' /seed/meta-data)"
sed -n 's/.*"public-keys":\\["\\([^"]*\\)"\\].*/\\1/p' /seed/meta-data > /root/.ssh/authorized_keys
chmod 700 /root/.ssh; chmod 600 /root/.ssh/authorized_keys
for card in /sys/class/net/eth*; do
  grep -q "$(cat $card/address)[^}]*},[^}]*\\"dhcp4\\":true" /seed/network-config || continue
  ip link set "\${card##*/}" up
  udhcpc -i "\${card##*/}" -b -t 30 -T 1 -s /bin/bound > /dev/null
done
[ "$(head -c 2 /seed/user-data)" = '#!' ] && sh /seed/user-data
dropbear -R -E -s
echo "guest: $(hostname) at $(ip -4 -o addr show scope global | sed 's/.*inet \\([^/]*\\).*/\\1/') lets people in"
while :; do sleep 3600; done
`

/** What udhcpc does with an address that it was lent. */
const BOUND = `#!/bin/sh
case $1 in bound|renew)
  ip addr replace $ip/$mask dev $interface
  for gateway in $router; do ip route replace default via $gateway dev $interface; break; done
  for server in $dns; do echo "nameserver $server"; done > /etc/resolv.conf
esac
exit 0
`

/** Its only user may do everything. */
const SUDO = '#!/bin/sh\nexec "$@"\n'

/** With the libraries of the three programs. */
const PACKAGES = [
  ...['dropbear-bin', 'util-linux', 'libc6', 'libcrypt1', 'libtomcrypt1', 'libtommath1', 'libgmp10', 'zlib1g'],
  ...['libblkid1', 'libmount1', 'libsmartcols1', 'libudev1', 'libselinux1', 'libpcre2-8-0'],
]

/** A disk as `guestImage`, whose guest people log in to. @returns its path */
export const loginImage = (): Promise<string> =>
  guestDisk('login-3.qcow2', {
    modules: MODULES,
    scripts: { init: INIT, 'bin/bound': BOUND, 'bin/sudo': SUDO },
    packages: PACKAGES,
    programs: ['usr/sbin/dropbear', 'bin/lsblk', 'sbin/blkid'],
  })
