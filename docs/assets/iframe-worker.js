// Search of the site runs in a worker, which browsers refuse to pages that were opened as files: there it runs
// in a hidden frame.  The name is the one by which Zensical and Material know that they need not fetch theirs.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      const address = new URL(url, document.baseURI).href.replace(/"/g, "%22");
      this.frame = document.createElement("iframe");
      this.frame.hidden = true;
      // Of the two who post here, the page names a target, and the worker, who answers the page, does not.
      this.frame.srcdoc = `<body><script>
        const own = postMessage;
        postMessage = (data, target) => target ? own(data, target) : parent.postMessage(data, "*");
      </script><script src="${address}"></script>`;
      this.ready = new Promise(resolve => { this.frame.onload = resolve; });
      this.heard = event => {
        if (event.source !== this.frame.contentWindow) return;
        const message = new MessageEvent("message", { data: event.data });
        this.dispatchEvent(message);
        if (this.onmessage) this.onmessage(message);
      };
      window.addEventListener("message", this.heard);
      document.body.append(this.frame);
    }
    postMessage(data) {
      this.ready.then(() => this.frame.contentWindow.postMessage(data, "*"));
    }
    terminate() {
      window.removeEventListener("message", this.heard);
      this.frame.remove();
    }
  };
}
