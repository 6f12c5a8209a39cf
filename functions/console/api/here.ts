/** The address of something below the page, whole: `here('identity/v3')`. */
export const here = (path: string): string => new URL(path, document.baseURI.replace(/#.*$/, '')).href
