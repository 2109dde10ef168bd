// The place above the messages, shared by those who need it: each has a part, and the place goes when nobody shows anything.

const places = new WeakMap();

// `part` is an element that its owner hides and shows; call the returned function whenever it did. `css` goes into the widget's styles.
export function place(widget, part, css) {
  if (!places.has(widget)) places.set(widget, document.createElement("div"));
  const slot = places.get(widget);
  slot.append(part);
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(css);
  widget.root.adoptedStyleSheets = [...widget.root.adoptedStyleSheets, sheet];
  return () => {
    const wanted = [...slot.children].some((child) => !child.hidden);
    if (wanted !== slot.isConnected) widget.panel(wanted ? slot : null);
  };
}

// What goes on after the page has loaded again is named in the tab's memory; the widget then loads the module by itself.
export function keep(name, value) {
  try {
    value ? sessionStorage.setItem(name, value) : sessionStorage.removeItem(name);
  } catch {
    // Without storage the next page does not go on by itself.
  }
}

export function kept(name) {
  try {
    return Number(sessionStorage.getItem(name) || 0);
  } catch {
    return 0;
  }
}
