
/*
 * play: what each reference server that runs does from now on; it goes on running.
 */

class PlayPanel {
  constructor(ask) {
    this.ask = ask;
    this.servers = [];
    this.element = element('section', {class: 'play', 'aria-label': 'What the reference server does', hidden: true});
  }

  take(event) {
    const focused = this.element.contains(document.activeElement) && document.activeElement.dataset.id;
    this.servers = event.servers;
    this.element.hidden = event.servers.length === 0;
    this.element.replaceChildren(...event.servers.map((server) => this.server(server)));
    this.element.querySelector(`[data-id="${Number(focused) || -1}"]`)?.focus();
  }

  server(server) {
    const select = element('select', {'data-id': server.id}, ...server.faults.map((fault) =>
      element('option', {value: fault}, fault === 'none' ? 'as RFC 9113 says' : FAULTS[fault] || fault)));
    select.value = server.now;
    select.addEventListener('change', () => this.ask('play', {id: server.id, fault: select.value}));
    return element('label', {class: server.now === 'none' ? '' : 'odd'}, `${server.by}, port ${server.port}, answers `, select);
  }
}
