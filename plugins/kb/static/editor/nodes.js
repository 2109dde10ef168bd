// What an article has beyond plain rich text: callouts, variables, pictures with a width; and what is pasted, cleaned.
const CALLOUTS = ["note", "tip", "warning"];
const VARIABLE = /\$\(([A-Za-z][A-Za-z0-9_.]{0,79})\)/g;

export function extensions(tiptap, { words, files }) {
  const { Details, DetailsContent, DetailsSummary, Image, Node, Placeholder, StarterKit, Table, TableCell, TableHeader, TableRow, mergeAttributes } = tiptap;

  const Callout = Node.create({
    name: "callout",
    group: "block",
    content: "block+",
    defining: true,
    addAttributes: () => ({ kind: { default: "note", rendered: false, parseHTML: (element) => CALLOUTS.find((kind) => element.classList.contains(`callout-${kind}`)) || "note" } }),
    parseHTML: () => [{ tag: "div.callout" }],
    renderHTML: ({ node }) => ["div", { class: `callout callout-${node.attrs.kind}` }, 0],
    addKeyboardShortcuts() {
      // Enter in an empty last paragraph leaves the callout.
      return { Enter: ({ editor }) => editor.isActive("callout") && editor.state.selection.empty && editor.state.selection.$from.parent.content.size === 0 && editor.commands.lift("callout") };
    },
  });

  const Variable = Node.create({
    name: "variable",
    group: "inline",
    inline: true,
    atom: true,
    addAttributes: () => ({ name: { default: "", parseHTML: (element) => element.dataset.variable } }),
    parseHTML: () => [{ tag: "span[data-variable]" }],
    renderHTML: ({ node }) => ["span", { "data-variable": node.attrs.name, class: "kb-variable" }, `$(${node.attrs.name})`],
    renderText: ({ node }) => `$(${node.attrs.name})`,
  });

  const Picture = Image.extend({
    addAttributes() {
      return { ...this.parent?.(), width: { default: null }, height: { default: null, rendered: false } };
    },
    renderHTML: ({ HTMLAttributes }) => ["img", mergeAttributes(HTMLAttributes)],
  });

  return [
    StarterKit.configure({
      heading: { levels: [2, 3, 4] },
      link: { openOnClick: false, autolink: true, protocols: ["kb"], HTMLAttributes: { target: null, rel: null, class: null }, isAllowedUri: (uri, { defaultValidate }) => /^kb:\d+$/.test(uri) || defaultValidate(uri) },
    }),
    Callout,
    Variable,
    Picture.configure({ inline: false }),
    // Without widths of its own: our pages allow no style attributes.
    Table.extend({ renderHTML: () => ["table", ["tbody", 0]] }).configure({ resizable: false }),
    TableRow,
    TableHeader,
    TableCell,
    Details.configure({ persist: false, HTMLAttributes: { class: "kb-details" } }),
    DetailsSummary,
    DetailsContent,
    Placeholder.configure({ includeChildren: true, placeholder: ({ node }) => (node.type.name === "detailsSummary" ? words.details : words.write) }),
    ...(files ? [pictures(tiptap, files)] : []),
  ];
}

// Pictures that are pasted or dropped are sent to the server first and then stand where they were put.
function pictures({ Extension, Plugin, PluginKey }, files) {
  const take = (view, list, place) => {
    const found = [...(list || [])].filter((file) => file.type.startsWith("image/"));
    if (found.length) files(found, view, place);
    return found.length > 0;
  };
  return Extension.create({
    name: "pictures",
    addProseMirrorPlugins: () => [
      new Plugin({
        key: new PluginKey("pictures"),
        props: {
          // Word puts a picture of the text beside the text: then the text is meant.
          handlePaste: (view, event) => !event.clipboardData?.types.includes("text/html") && take(view, event.clipboardData?.files),
          handleDrop: (view, event) => take(view, event.dataTransfer?.files, view.posAtCoords({ left: event.clientX, top: event.clientY })?.pos),
        },
      }),
    ],
  });
}

// Word and browsers say more than what was meant: styles, classes, empty spans, comments and pictures of their own.
export function cleanPasted(html) {
  // Our pages allow neither styles nor handlers in attributes, not even to be looked at.
  const readable = html.replace(/<!--\[if[\s\S]*?<!\[endif\]-->/g, "").replace(/<style[\s\S]*?<\/style>/gi, "").replace(/<[a-z][^<>]*>/gi, (tag) => tag.replace(/\s(style|on[a-z]+)(?=\s*=)/gi, " data-$1"));
  const page = new DOMParser().parseFromString(readable, "text/html");
  for (const gone of page.querySelectorAll("style, script, meta, link, title, o\\:p, xml, iframe, object")) gone.remove();
  for (const bullet of page.querySelectorAll("p.MsoListParagraph, p.MsoListParagraphCxSpFirst, p.MsoListParagraphCxSpMiddle, p.MsoListParagraphCxSpLast")) asItem(page, bullet);
  for (const element of page.querySelectorAll("*")) {
    const look = element.dataset?.style || "";
    if (/font-weight:\s*(bold|[6-9]00)/i.test(look) && !/^(B|STRONG|H\d|TH)$/.test(element.tagName)) wrap(element, "strong");
    if (/font-style:\s*italic/i.test(look) && !/^(I|EM)$/.test(element.tagName)) wrap(element, "em");
    for (const name of element.getAttributeNames()) if (!keeps(element, name)) element.removeAttribute(name);
  }
  // What Google Docs wraps everything in.
  for (const bold of page.querySelectorAll("b")) if (bold.querySelector("p, ul, table, h1, h2")) bold.replaceWith(...bold.childNodes);
  for (const heading of page.querySelectorAll("h1")) rename(page, heading, "h2");
  for (const image of page.querySelectorAll("img")) if (!/^(https?:|\/kb\/files\/)/.test(image.getAttribute("src") || "")) image.remove();
  return marked(page.body.innerHTML);
}

function keeps(element, name) {
  if (name === "class") return element.matches("div.callout") && (element.className = [...element.classList].filter((one) => one.startsWith("callout")).join(" "));
  return ["href", "src", "alt", "title", "colspan", "rowspan", "start", "data-variable"].includes(name) || (name === "width" && element.tagName === "IMG");
}

function wrap(element, tag) {
  const outer = element.ownerDocument.createElement(tag);
  outer.append(...element.childNodes);
  element.append(outer);
}

function rename(page, element, tag) {
  const other = page.createElement(tag);
  other.append(...element.childNodes);
  element.replaceWith(other);
}

function asItem(page, paragraph) {
  const numbered = /^\s*\d+[.)]/.test(paragraph.textContent);
  for (const mark of paragraph.querySelectorAll("span[data-style*='mso-list']")) mark.remove();
  paragraph.innerHTML = paragraph.innerHTML.replace(/^(\s|&nbsp;)*([·•o§-]|\d+[.)])(\s|&nbsp;)*/, "");
  const item = page.createElement("li");
  item.append(...paragraph.childNodes);
  const tag = numbered ? "OL" : "UL";
  const list = paragraph.previousElementSibling?.tagName === tag ? paragraph.previousElementSibling : page.createElement(tag);
  if (!list.isConnected) paragraph.before(list);
  list.append(item);
  paragraph.remove();
}

// Stored HTML says $(from.name); while it is written that is one thing, not letters.
export function marked(html) {
  return html.replace(/<span data-variable="[^"]*"[^>]*>(\$\([^)]*\))<\/span>/g, "$1").split(/(<[^>]*>)/).map((piece) => (piece.startsWith("<") ? piece : piece.replace(VARIABLE, '<span data-variable="$1">$&</span>'))).join("");
}

export function plain(html) {
  const page = new DOMParser().parseFromString(html, "text/html");
  for (const chip of page.querySelectorAll("span[data-variable]")) chip.replaceWith(chip.textContent);
  for (const part of page.querySelectorAll("details > div")) part.replaceWith(...part.childNodes);
  for (const details of page.querySelectorAll("details")) for (const name of details.getAttributeNames()) details.removeAttribute(name);
  for (const col of page.querySelectorAll("colgroup")) col.remove();
  for (const element of page.querySelectorAll("table, td, th, a")) for (const name of ["style", "target", "rel", "class"]) element.removeAttribute(name);
  return page.body.innerHTML.replace(/^(<p><\/p>)+$/, "");
}
