/** A text as it stands in what is signed: everything but letters, digits and `-._~` is escaped (RFC 3986, section 2.3). */
export const percent = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`)
