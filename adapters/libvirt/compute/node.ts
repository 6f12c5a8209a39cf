/** What a machine says that it is: 32 numbers for the characters of a name, with whatever behind it. */
export const archIn = ({ model }: { model: Uint8Array }): 'x86_64' | 'aarch64' => {
  const view = new DataView(model.buffer, model.byteOffset, model.byteLength)
  const codes = Array.from({ length: model.length / 4 }, (_, i) => view.getUint32(4 * i))
  const end = codes.indexOf(0)
  return String.fromCharCode(...codes.slice(0, Math.max(end, 0))) === 'aarch64' ? 'aarch64' : 'x86_64'
}
