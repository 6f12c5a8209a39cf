import { useEffect, useState } from 'preact/hooks'

/** A link that saves a text as a file: it is made in the browser, and asked of nobody. */
export const Save = ({ text, name, children }: { text: string; name: string; children: string }) => {
  const [address, setAddress] = useState<string>()
  useEffect(() => {
    const made = URL.createObjectURL(new Blob([text], { type: 'text/plain' }))
    setAddress(made)
    return () => URL.revokeObjectURL(made)
  }, [text])
  return (
    <a class="button primary" href={address} download={name}>
      {children}
    </a>
  )
}
