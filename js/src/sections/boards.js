// Boards: graphs that belong together. Those of this browser, those of the server, and one that a link brings.
import { element, keyed, link, setAttribute, setText } from '../dom.js';
import { label } from '../paths.js';
import { graph } from '../widget/graph.js';
import { complete } from '../widget/options.js';
import { periodWords } from '../widget/periods.js';
import { unless } from './activity.js';
import { BoardError, fileName, formatBoard, MOST_BYTES, MOST_GRAPHS, moved, parseBoard, readBoard, readGraph, tooLarge } from './board.js';
import { pack, unpack } from './packing.js';
import { Choice } from './selects.js';
import { Shelf } from './shelf.js';

const NEW = '';
const FIRST_TITLE = 'My board';
/** Longer addresses get lost on their way through mails and chats. */
const LONGEST_LINK = 16_000;

export class Boards {
  constructor(root, { api, locale, go, href, window }, draw = graph) {
    Object.assign(this, { root, api, locale, go, href, window, draw });
    this.shelf = new Shelf(window);
    this.served = [];
    this.open = null;
    this.cells = [];
    this.pictures = new Map();
    this.file = null;
    this.#build();
    this.drops = { dragover: (event) => this.#over(event), dragleave: () => this.#away(), drop: (event) => this.#drop(event) };
    for (const [name, listener] of Object.entries(this.drops)) root.addEventListener(name, listener);
  }

  async show(state, signal) {
    const { more } = state;
    this.served = (await unless(this.api.ask('boards', {}, signal), () => ({ boards: [] }))).boards;
    this.#complain('');
    this.#warn();
    const open = await this.#find(more, signal);
    if (signal.aborted) return;
    this.#show(open);
    this.#showAdding(more.add ?? '');
  }

  /** The graphs look by themselves. */
  async tick() {}

  destroy() {
    this.#clear();
    this.#forget();
    for (const [name, listener] of Object.entries(this.drops)) this.root.removeEventListener(name, listener);
    this.root.replaceChildren();
  }

  #build() {
    const button = (role, text, onclick) => element('button', { type: 'button', class: 'quiet', 'data-role': role, onclick }, text);
    const chips = (role, text) => {
      this[role] = element('span', { class: 'chips' });
      return element('div', { class: 'control', role: 'group', 'aria-label': text, 'data-role': role },
        element('span', { class: 'caption' }, text), this[role]);
    };
    this.complaint = element('p', { class: 'error', role: 'alert', 'data-role': 'board-error', hidden: true });
    this.said = element('p', { class: 'note', role: 'status', 'data-role': 'board-said', hidden: true });
    this.input = element('input', { type: 'file', accept: '.json,application/json', 'data-role': 'board-file', onchange: () => this.#read(this.input.files[0]) });
    this.target = new Choice('To', 'add-target', () => this.#named());
    this.newTitle = element('input', { type: 'text', maxlength: 200, 'aria-label': 'Title of the new board', 'data-role': 'add-title' });
    this.addButton = button('add', 'Add', () => this.#add());
    this.adding = element('form', { class: 'card adding', 'data-role': 'adding', hidden: true, 'aria-label': 'Add a graph to a board',
      onsubmit: (event) => { event.preventDefault(); this.#add(); } },
    element('h2', {}, 'Add to a board'), this.added = element('p', { 'data-role': 'added' }),
    element('div', { class: 'choices' }, this.target.root, this.newTitle, this.addButton, button('add-not', 'Do not add', () => this.go({ more: {} }))));
    this.title = element('input', { type: 'text', class: 'board-title', maxlength: 200, 'aria-label': 'Title of the board', 'data-role': 'board-title', onchange: () => this.#rename() });
    this.name = element('h2', { 'data-role': 'board-name' });
    this.tools = element('div', { class: 'tools' },
      button('board-link', 'Link', () => this.#link()), button('board-download', 'Download', () => this.#download()),
      this.copyButton = button('board-copy', 'Keep a copy', () => this.#copy()),
      this.deleteButton = button('board-delete', 'Delete', () => this.#delete()));
    this.linked = element('input', { type: 'text', class: 'linked', readonly: true, 'aria-label': 'Link to this board', 'data-role': 'board-linked', hidden: true });
    this.grid = element('div', { class: 'grid', 'data-role': 'grid' });
    this.none = element('p', { class: 'card', 'data-role': 'board-none' });
    this.board = element('div', { 'data-role': 'board' },
      element('div', { class: 'headline' }, this.title, this.name, this.tools), this.linked, this.said);
    this.root.replaceChildren(
      element('div', { class: 'headline' }, element('h1', {}, 'Boards'), element('div', { class: 'tools' },
        button('board-new', 'New board', () => this.#open(this.shelf.add({ title: FIRST_TITLE, graphs: [] }))),
        element('label', { class: 'quiet file' }, 'Open a file', this.input))),
      this.complaint, this.adding,
      element('div', { class: 'controls' }, chips('mine', 'Yours'), chips('theirs', 'From the server')),
      this.board, this.none, this.grid);
  }

  // -- which board -----------------------------------------------------------------------------------------------------

  async #find({ mine, served, board, add }, signal) {
    try {
      if (board) return { kind: 'link', board: await unpack(board) };
      if (served) return { kind: 'served', name: served, board: readBoard(await this.api.ask(`boards/${encodeURIComponent(served)}`, {}, signal)) };
    } catch (error) {
      if (!(error instanceof BoardError)) throw error;
      this.#complain(error.message);
      return null;
    }
    const kept = mine ? this.shelf.find(mine) : this.shelf.all()[0];
    if (mine && !kept) this.#complain(`this browser keeps no board called “${mine}”: whoever sent the address can send its link, or its file`);
    return kept && !add ? { kind: 'mine', board: kept } : null;
  }

  #open(board) {
    return this.go({ more: { mine: board.title } });
  }

  #show(open) {
    const isSame = JSON.stringify(open) === JSON.stringify(this.open);
    this.#list(open);
    if (isSame && open !== null) return;
    this.#clear();
    this.open = open;
    this.cells = open === null ? [] : open.board.graphs.map(cellOf);
    this.linked.hidden = true;
    this.#disarm();
    this.#draw();
  }

  #list(open) {
    const chip = (part, isOpen, text) => link({ href: this.href({ more: part }), go: () => this.go({ more: part }), 'aria-current': isOpen && 'page' }, text);
    const kind = open?.kind;
    this.mine.replaceChildren(...this.shelf.all().map(({ title }) => chip({ mine: title }, kind === 'mine' && open.board.title === title, title)));
    this.theirs.replaceChildren(...this.served.map(({ name, title }) => chip({ served: name }, kind === 'served' && open.name === name, title)));
    this.mine.parentNode.hidden = this.mine.children.length === 0;
    this.theirs.parentNode.hidden = this.served.length === 0;
  }

  // -- what is on it ---------------------------------------------------------------------------------------------------

  #draw() {
    const { open, cells } = this;
    const isMine = open?.kind === 'mine';
    this.board.hidden = open === null;
    this.title.hidden = !isMine;
    this.name.hidden = isMine;
    this.copyButton.hidden = isMine;
    this.deleteButton.hidden = !isMine;
    this.title.value = open?.board.title ?? '';
    setText(this.name, open?.board.title ?? '');
    this.none.hidden = cells.length > 0;
    setText(this.none, open === null
      ? 'No board is open. Make one, open a file or drop it here, or press “Add to a board” beside a graph in Explore.'
      : 'Nothing is on this board yet: press “Add to a board” beside a graph in Explore.');
    keyed(this.grid, cells, { key: ({ id }) => id, create: (cell) => this.#cell(cell), update: (place, cell) => this.#place(place, cell, isMine) });
  }

  #cell({ id, graph: { columns, ...options } }) {
    const place = element('div', { class: 'graph' });
    const button = (role, text, sign, onclick) => element('button', { type: 'button', 'data-role': role, title: text, 'aria-label': text, onclick }, sign);
    const { pk, dimensions, metrics, period, tz } = complete(options);
    const part = { view: 'explore', pk: pk.length ? pk : ['_'], dimension: dimensions, metric: metrics[0], period, zone: tz };
    const cell = element('article', { class: 'cell', 'data-role': 'cell' },
      element('div', { class: 'cell-tools', role: 'group', 'aria-label': `Change the graph of ${words(options)}` },
        link({ href: this.href(part), go: () => this.go(part), 'data-role': 'cell-explore' }, 'Explore'),
        element('span', { class: 'changes' },
          button('cell-up', 'Earlier', '↑', () => this.#move(id, -1, 'cell-up')), button('cell-down', 'Later', '↓', () => this.#move(id, 1, 'cell-down')),
          button('cell-wide', 'Two columns wide', '↔', () => this.#resize(id)), button('cell-remove', 'Remove', '×', () => this.#remove(id)))),
      place);
    this.pictures.set(id, this.draw(place, { ...options, host: new URL('.', this.api.base).href, key: this.api.key, locale: options.locale || this.locale }));
    return cell;
  }

  #place(place, { id, graph: { columns } }, isMine) {
    setAttribute(place, 'data-columns', columns ?? 1);
    place.querySelector('.changes').hidden = !isMine;
    const button = (role) => place.querySelector(`[data-role=${role}]`);
    setAttribute(button('cell-wide'), 'aria-pressed', String(columns === 2));
    setAttribute(button('cell-up'), 'aria-disabled', this.cells[0].id === id && 'true');
    setAttribute(button('cell-down'), 'aria-disabled', this.cells[this.cells.length - 1].id === id && 'true');
  }

  #at(id) {
    return this.cells.findIndex((cell) => cell.id === id);
  }

  #move(id, by, role) {
    this.cells = moved(this.cells, this.#at(id), by);
    this.#keep();
    // An element that moves loses the focus.
    this.grid.querySelector(`[data-key="${id}"] [data-role=${role}]`).focus();
    this.#say(`Now graph ${this.#at(id) + 1} of ${this.cells.length}.`);
  }

  #resize(id) {
    this.cells = this.cells.map((cell) => (cell.id === id ? { id, graph: withColumns(cell.graph, cell.graph.columns === 2 ? 1 : 2) } : cell));
    this.#keep();
    this.pictures.get(id).redraw();
  }

  #remove(id) {
    const index = this.#at(id);
    this.pictures.get(id).destroy();
    this.pictures.delete(id);
    this.cells = this.cells.filter((cell) => cell.id !== id);
    this.#keep();
    const next = this.cells[Math.min(index, this.cells.length - 1)];
    (next ? this.grid.querySelector(`[data-key="${next.id}"] [data-role=cell-remove]`) : this.title).focus();
    this.#say(`Removed; ${this.cells.length} left.`);
  }

  #keep() {
    const { title } = this.open.board;
    this.open = { kind: 'mine', board: this.shelf.replace(title, { title, graphs: this.cells.map((cell) => cell.graph) }) };
    this.linked.hidden = true;
    this.#draw();
    this.#warn();
  }

  #clear() {
    for (const picture of this.pictures.values()) picture.destroy();
    this.pictures.clear();
    this.grid.replaceChildren();
  }

  // -- what is done with it --------------------------------------------------------------------------------------------

  #rename() {
    const before = this.open.board;
    const title = this.title.value.trim() || before.title;
    this.title.value = title;
    this.#open(this.shelf.replace(before.title, { ...before, title }));
  }

  #copy() {
    this.#open(this.shelf.add(this.open.board));
  }

  // The second press means it.
  #delete() {
    if (!this.deleteButton.hasAttribute('data-armed')) {
      this.deleteButton.setAttribute('data-armed', '');
      setText(this.deleteButton, 'Really delete');
      return;
    }
    this.shelf.remove(this.open.board.title);
    this.go({ more: {} });
  }

  #disarm() {
    this.deleteButton.removeAttribute('data-armed');
    setText(this.deleteButton, 'Delete');
    this.#say('');
  }

  async #link() {
    const { board } = this.open;
    const more = { board: await pack(board) };
    const address = new URL(this.href({ pk: null, dimension: null, metric: null, period: null, zone: '', more }), this.window.location.href).href;
    if (address.length > LONGEST_LINK) {
      this.#say('This board is too large for a link: download its file.');
      return;
    }
    this.linked.hidden = false;
    this.linked.value = address;
    this.linked.focus();
    this.linked.select();
    try {
      await this.window.navigator.clipboard.writeText(address);
      this.#say('The link is copied. It holds the whole board, and no key.');
    } catch {
      this.#say('The link holds the whole board, and no key: copy it from here.');
    }
  }

  #download() {
    const { board } = this.open;
    this.#forget();
    this.file = this.window.URL.createObjectURL(new Blob([formatBoard(board)], { type: 'application/json' }));
    element('a', { href: this.file, download: fileName(board) }).click();
  }

  #forget() {
    if (this.file !== null) this.window.URL.revokeObjectURL(this.file);
    this.file = null;
  }

  // -- files -----------------------------------------------------------------------------------------------------------

  #over(event) {
    if (![...event.dataTransfer.types].includes('Files')) return;
    event.preventDefault();
    this.root.classList.add('dropping');
  }

  #away() {
    this.root.classList.remove('dropping');
  }

  #drop(event) {
    this.#away();
    const [file] = event.dataTransfer.files;
    if (file === undefined) return;
    event.preventDefault();
    this.#read(file);
  }

  async #read(file) {
    this.#complain('');
    try {
      if (file.size > MOST_BYTES) throw new BoardError(tooLarge(file.size));
      this.#open(this.shelf.add(parseBoard(await file.text())));
    } catch (error) {
      this.#complain(error instanceof BoardError ? `${file.name}: ${error.message}` : `${file.name} cannot be read`);
    }
    this.input.value = '';
  }

  // -- adding ----------------------------------------------------------------------------------------------------------

  #showAdding(text) {
    this.adding.hidden = true;
    this.graph = null;
    if (text === '') return;
    try {
      this.graph = readGraph(JSON.parse(text));
    } catch (error) {
      this.#complain(error instanceof BoardError ? error.message : 'the graph of this address cannot be read');
      return;
    }
    this.adding.hidden = false;
    this.none.hidden = true;
    setText(this.added, words(this.graph));
    const boards = this.shelf.all();
    this.target.show([...boards.map(({ title }) => [title, title]), [NEW, 'a new board']], boards[0]?.title ?? NEW);
    this.newTitle.value = FIRST_TITLE;
    this.#named();
    this.addButton.focus();
  }

  #named() {
    this.newTitle.hidden = this.target.select.value !== NEW;
  }

  #add() {
    const { value } = this.target.select;
    const board = value === NEW ? this.shelf.add({ title: this.newTitle.value.trim() || FIRST_TITLE, graphs: [] }) : this.shelf.find(value);
    if (board.graphs.length >= MOST_GRAPHS) {
      this.#complain(`a board has at most ${MOST_GRAPHS} graphs: choose another one`);
      return;
    }
    this.#open(this.shelf.replace(board.title, { ...board, graphs: [...board.graphs, this.graph] }));
  }

  // -- what is said ----------------------------------------------------------------------------------------------------

  #warn() {
    if (!this.shelf.isKept) this.#complain('this browser keeps no boards, or no more: download the file before you leave');
  }

  #complain(text) {
    setText(this.complaint, text && `${text.charAt(0).toUpperCase()}${text.slice(1)}.`);
    this.complaint.hidden = text === '';
  }

  #say(text) {
    setText(this.said, text);
    this.said.hidden = text === '';
  }
}

let made = 0;

function cellOf(graph) {
  made += 1;
  return { id: `cell-${made}`, graph };
}

function withColumns({ columns, ...options }, wanted) {
  return wanted === 2 ? { ...options, columns: 2 } : options;
}

function words(given) {
  const { columns, ...options } = given;
  const { pk, dimensions, metrics, period, title } = complete(options);
  if (title) return title;
  const what = [...pk, ...dimensions].map((name) => label([name])).join(' / ') || 'everything';
  return `${metrics.join(', ')} of ${what}, ${periodWords(period)}`;
}
