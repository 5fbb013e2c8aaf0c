// The search of the site runs in a worker, which browsers refuse to start from file:. There it runs in a frame.
if (location.protocol === "file:") {
  window.IFrameWorker = class extends EventTarget {
    constructor(script) {
      super();
      const frame = document.createElement("iframe");
      frame.hidden = true;
      document.body.appendChild(frame);
      const inside = frame.contentWindow;
      const load = (url) => new Promise((resolve, reject) => {
        const element = inside.document.createElement("script");
        element.src = url;
        element.onload = resolve;
        element.onerror = reject;
        inside.document.body.appendChild(element);
      });
      inside.importScripts = (...urls) => urls.reduce((loaded, url) => loaded.then(() => load(url)), Promise.resolve());
      inside.postMessage = (data) => this.dispatchEvent(new MessageEvent("message", { data }));
      const started = load(script);
      this.postMessage = (data) => started.then(() => inside.dispatchEvent(new MessageEvent("message", { data })));
    }
  };
  window.Worker = window.IFrameWorker;
}
