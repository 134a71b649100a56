/** The host's policy lets style elements in by its nonce; those that Monaco and xterm.js add while they run get it here. */
const nonce = document.querySelector<HTMLScriptElement>("script[nonce]")?.nonce;

if (nonce) {
  const create = document.createElement.bind(document);
  document.createElement = (name: string, options?: ElementCreationOptions) => {
    const element = create(name, options);
    if (element instanceof HTMLStyleElement) element.nonce = nonce;
    return element;
  };
}
