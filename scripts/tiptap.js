// What plugins/kb/static/editor/ takes from TipTap and ProseMirror; scripts/vendor.py bundles it to vendor/tiptap.js.
export { Editor, Extension, Node, mergeAttributes } from "@tiptap/core";
export { Details, DetailsContent, DetailsSummary } from "@tiptap/extension-details";
export { Image } from "@tiptap/extension-image";
export { Table, TableCell, TableHeader, TableRow } from "@tiptap/extension-table";
export { Placeholder } from "@tiptap/extensions";
export { Plugin, PluginKey } from "@tiptap/pm/state";
export { StarterKit } from "@tiptap/starter-kit";
