
/*
 * play: what each reference server that runs does from now on; it goes on running.
 */

class PlayPanel {
  constructor(ask) {
    this.ask = ask;
    this.servers = [];
    this.ports = new Map(); /* of a lecture's servers: the "lab/step/part" that started each */
    this.used = new Set();  /* of these, those of the step on the page */
    this.element = element('section', {class: 'play', 'aria-label': 'What the reference server does', hidden: true});
  }

  /* A command of a lecture has started a server. */
  know({lab, step, part, port}) {
    this.ports.set(port, `${lab}/${step}/${part}`);
    this.take({servers: this.servers});
  }

  /* The step on the page uses these servers. Those of other steps only take room. */
  at(place, servers) {
    this.used = new Set(servers.map((parts) => [place.lab, ...parts].join('/')));
    this.take({servers: this.servers});
  }

  take(event) {
    const focused = this.element.contains(document.activeElement) && document.activeElement.dataset.id;
    this.servers = event.servers;
    const shown = event.servers.filter(({port}) => !this.ports.has(port) || this.used.has(this.ports.get(port)));
    this.element.hidden = shown.length === 0;
    this.element.replaceChildren(...shown.map((server) => this.server(server)));
    this.element.querySelector(`[data-id="${Number(focused) || -1}"]`)?.focus();
  }

  server(server) {
    const select = element('select', {'data-id': server.id}, ...server.faults.map((fault) =>
      element('option', {value: fault}, fault === 'none' ? 'as usual' : FAULTS[fault] || fault)));
    select.value = server.now;
    select.addEventListener('change', () => this.ask('play', {id: server.id, fault: select.value}));
    return element('label', {class: server.now === 'none' ? '' : 'odd'}, `${server.by}, port ${server.port}, answers `, select);
  }
}
