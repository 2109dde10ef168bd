// Players and recorders on pages: named here, fetched when the first of them appears.
const define = (name, file) =>
  customElements.get(name) ||
  customElements.define(name, class extends HTMLElement {
    connectedCallback() {
      if (this.mounted) return;
      this.mounted = true;
      import(file).then(({ mount }) => this.isConnected && mount(this));
    }

    disconnectedCallback() {
      this.unmount?.();
    }
  });

define("okno-sound", "./sound-player.js");
define("okno-recorder", "./sound-recorder.js");
