'use strict';

// What a report can do beyond being read: another language, other thresholds, fewer pictures.
// The page is whole without it, so whatever only works with it is hidden until here.

/** Language: the root's `lang` decides which of two elements is seen. */
const language = {
  set(code) {
    // Even the same value would make the browser look at every element again.
    if (document.documentElement.lang !== code) document.documentElement.lang = code;
    const button = document.getElementById('language');
    button.textContent = code === 'zh' ? 'English' : '中文';
    button.lang = code === 'zh' ? 'en' : 'zh';
    for (const element of document.querySelectorAll('[data-zh]')) {
      element.textContent = element.dataset[code];
    }
    try {
      localStorage.setItem('fpcls.language', code);
    } catch (ignored) {  // where the browser keeps nothing for files, the choice lasts for the visit
    }
  },

  remembered() {
    try {
      return localStorage.getItem('fpcls.language');
    } catch (ignored) {
      return null;
    }
  },

  start() {
    const button = document.getElementById('language');
    button.hidden = false;
    button.addEventListener('click', () => this.set(button.lang));
    const preferred = this.remembered() || (navigator.language.startsWith('zh') ? 'zh' : 'en');
    this.set(preferred === 'zh' ? 'zh' : 'en');
  },
};

/** Numbers as the rest of the report writes them. */
const format = {
  count: (value) => String(value).replace(/\B(?=(\d{3})+(?!\d))/g, ','),

  /** Halves go to the even digit; toFixed alone would round them up. */
  fixed(value, digits) {
    const exact = value.toFixed(60);
    const cut = exact.indexOf('.') + 1 + digits;
    if (/^50*$/.test(exact.slice(cut)) && '02468'.includes(exact[cut - 1])) {
      return exact.slice(0, cut);
    }
    return value.toFixed(digits);
  },

  ratio: (part, whole) => (whole === 0 ? '–' : format.fixed(part / whole, 6)),

  /** Wilson's interval at 95 %. */
  interval(part, whole) {
    if (whole === 0) return '–';
    const z = 1.959963984540054;
    const ratio = part / whole;
    const shrink = 1 + z * z / whole;
    const centre = (ratio + z * z / (2 * whole)) / shrink;
    const half = z / shrink * Math.sqrt(ratio * (1 - ratio) / whole + z * z / (4 * whole * whole));
    const low = part === 0 ? 0 : Math.max(0, centre - half);
    const high = part === whole ? 1 : Math.min(1, centre + half);
    return format.fixed(low, 3) + '–' + format.fixed(high, 3);
  },
};

/** The tables under other thresholds, from the scores that are part of the page. */
class Explorer {
  constructor(root) {
    this.root = root;
    this.size = Number(root.dataset.size);
    this.otherwise = Number(root.dataset.otherwise);
    this.stages = Array.from(root.querySelectorAll('.stage'), (element) => ({
      element,
      name: element.dataset.name,
      range: element.querySelector('[type=range]'),
      number: element.querySelector('[type=number]'),
      labels: element.dataset.labels.split(' ').map(Number),
      negative: Number(element.dataset.negative),
      binary: element.dataset.binary === '1',
      recorded: element.dataset.accept,
      accept: Number(element.dataset.accept),
    }));
    this.tables = {};
    for (const table of root.querySelectorAll('table')) {
      const keys = Array.from(table.querySelectorAll('thead th'), (cell) => cell.dataset.key);
      const rows = Array.from(table.tBodies[0].rows, (row) => Array.from(row.cells));
      const recorded = rows.map((cells) => cells.map((cell) => cell.textContent));
      this.tables[table.dataset.name] = {keys, rows, recorded};
    }
    this.read_scores();
    root.querySelector('fieldset').hidden = false;
    for (const stage of this.stages) {
      stage.range.addEventListener('input', () => this.move(stage, stage.range.value));
      stage.number.addEventListener('input', () => this.move(stage, stage.number.value));
      // A browser may remember what was typed before the page was loaded again.
      stage.range.value = stage.number.value = stage.recorded;
    }
    root.querySelector('.reset').addEventListener('click', () => {
      for (const stage of this.stages) this.move(stage, stage.recorded);
    });
    this.show();
  }

  read_scores() {
    const text = atob(this.root.querySelector('.scores').textContent);
    const bytes = new Uint8Array(text.length);
    for (let i = 0; i < text.length; ++i) bytes[i] = text.charCodeAt(i);
    this.scores = new Float32Array(bytes.buffer);
    let place = 1;
    for (const stage of this.stages) {
      stage.place = place;
      place += stage.binary ? 1 : 2;
    }
    this.record = place;
  }

  move(stage, value) {
    const accept = Number(value);
    if (value === '' || !(accept >= 0 && accept <= 1)) return;
    stage.accept = accept;
    if (stage.range.value !== value) stage.range.value = value;
    if (stage.number.value !== value) stage.number.value = value;
    if (!this.waiting) requestAnimationFrame(() => this.show());
    this.waiting = true;
  }

  /** The label that a stage accepts the picture at `at` under, or -1. Compared as float32. */
  accepted(stage, accept, at) {
    const score = this.scores[at + stage.place];
    if (!stage.binary) {
      return score >= accept ? stage.labels[this.scores[at + stage.place + 1]] : -1;
    }
    if (score >= accept) return stage.labels[0];
    return stage.negative >= 0 && Math.fround(1 - score) >= accept ? stage.negative : -1;
  }

  /** Decides every picture again and counts. */
  judge() {
    const size = this.size;
    const result = {
      size,
      confusion: new Float64Array(size * size),
      funnel: this.stages.map(() => ({entered: 0, accepted: 0, wrongly_accepted: 0, wrongly_passed_on: 0})),
      missing: 0,
    };
    const accepts = this.stages.map((stage) => Math.fround(stage.accept));
    const knows = this.stages.map((stage) => {
      const known = new Uint8Array(size);
      for (const label of stage.labels) known[label] = 1;
      if (stage.negative >= 0) known[stage.negative] = 1;
      return known;
    });
    for (let at = 0; at < this.scores.length; at += this.record) {
      this.decide(at, accepts, knows, result);
    }
    return result;
  }

  decide(at, accepts, knows, result) {
    const count = this.stages.length;
    let stage = 0;
    let label = -1;
    for (; stage < count; ++stage) {
      if (Number.isNaN(this.scores[at + this.stages[stage].place])) {
        ++result.missing;
        return;
      }
      label = this.accepted(this.stages[stage], accepts[stage], at);
      if (label >= 0) break;
    }
    for (let i = 0; i <= stage && i < count; ++i) ++result.funnel[i].entered;
    if (stage < count) ++result.funnel[stage].accepted;
    if (label < 0) label = this.otherwise;
    const truth = this.scores[at];
    if (truth < 0) return;
    ++result.confusion[truth * result.size + label];
    if (truth !== label) this.charge(truth, stage, knows, result);
  }

  /** To the first stage that knows the truth and went on, else to the one that accepted. */
  charge(truth, accepting, knows, result) {
    for (let i = 0; i < accepting; ++i) {
      if (knows[i][truth]) {
        ++result.funnel[i].wrongly_passed_on;
        return;
      }
    }
    if (accepting < this.stages.length) ++result.funnel[accepting].wrongly_accepted;
  }

  show() {
    this.waiting = false;
    const result = this.judge();
    const gap = this.root.querySelector('.gap');
    gap.replaceChildren();
    if (result.missing > 0) {
      gap.append(this.root.querySelector('.gap-words').content.cloneNode(true));
      for (const span of gap.querySelectorAll('span')) {
        span.textContent = span.textContent.replace('{}', format.count(result.missing));
      }
    }
    for (const name of Object.keys(this.tables)) this.fill(name, result);
    this.move_marks();
    this.show_command();
  }

  fill(name, result) {
    const table = this.tables[name];
    table.rows.forEach((cells, row) => {
      const values = result.missing > 0 ? null : this[name + '_row'](row, result);
      for (let i = 1; i < cells.length; ++i) {
        const text = values === null ? '–' : values[name === 'confusion' ? i - 1 : table.keys[i]];
        cells[i].textContent = text;
        cells[i].classList.toggle('changed', text !== table.recorded[row][i]);
      }
      if (name === 'confusion' && values !== null) this.shade(cells, row, result);
    });
  }

  sums(result) {
    let judged = 0;
    let correct = 0;
    for (let truth = 0; truth < result.size; ++truth) {
      for (let label = 0; label < result.size; ++label) {
        judged += result.confusion[truth * result.size + label];
      }
      correct += result.confusion[truth * result.size + truth];
    }
    return {judged, correct};
  }

  overall_row(row, result) {
    const {judged, correct} = this.sums(result);
    return {
      judged: format.count(judged),
      correct: format.count(correct),
      accuracy: format.ratio(correct, judged),
      accuracy_interval: format.interval(correct, judged),
    };
  }

  classes_row(label, result) {
    const {judged} = this.sums(result);
    const tp = result.confusion[label * result.size + label];
    let predicted = 0;
    let positives = 0;
    for (let other = 0; other < result.size; ++other) {
      predicted += result.confusion[other * result.size + label];
      positives += result.confusion[label * result.size + other];
    }
    const fp = predicted - tp;
    const fn = positives - tp;
    return {
      total: format.count(judged),
      predicted: format.count(predicted),
      fp: format.count(fp),
      fn: format.count(fn),
      accuracy: format.ratio(judged - fp - fn, judged),
      precision: format.ratio(tp, predicted),
      recall: format.ratio(tp, positives),
      f1: format.ratio(2 * tp, 2 * tp + fp + fn),
      precision_interval: format.interval(tp, predicted),
      recall_interval: format.interval(tp, positives),
    };
  }

  funnel_row(stage, result) {
    const texts = {};
    for (const [key, value] of Object.entries(result.funnel[stage])) texts[key] = format.count(value);
    return texts;
  }

  confusion_row(truth, result) {
    const row = truth * result.size;
    return Array.from(result.confusion.subarray(row, row + result.size), format.count);
  }

  shade(cells, truth, result) {
    const row = result.confusion.subarray(truth * result.size, (truth + 1) * result.size);
    const sum = row.reduce((a, b) => a + b, 0);
    for (let i = 1; i < cells.length; ++i) {
      const step = sum > 0 ? Math.ceil(row[i - 1] / sum * 5) : 0;
      const changed = cells[i].classList.contains('changed');
      cells[i].className = 'n ' + (i - 1 === truth ? 'right' : 'wrong') + step;
      cells[i].classList.toggle('changed', changed);
    }
  }

  move_marks() {
    for (const mark of document.querySelectorAll('.mark')) {
      const stage = this.stages.find((s) => s.name === mark.dataset.of);
      if (!stage) continue;
      const x = Number(mark.dataset.left) + Number(mark.dataset.width) * stage.accept;
      mark.setAttribute('x1', x);
      mark.setAttribute('x2', x);
    }
  }

  /** The same question to the program. */
  show_command() {
    const quoted = (word) => (/^[\w.=-]+$/.test(word) ? word : "'" + word.replace(/'/g, "'\\''") + "'");
    let command = 'fpcls report DIR';
    for (const stage of this.stages) {
      if (stage.accept === Number(stage.recorded)) continue;
      command += ' --accept ' + quoted(stage.name + '=' + stage.accept);
    }
    this.root.querySelector('.command').textContent = command;
  }
}

/** Pictures: those of one kind, a screenful at a time. */
class Gallery {
  constructor(root) {
    this.list = root.querySelector('.cards');
    this.cards = Array.from(this.list.children);
    this.page = this.cards.length;
    const rest = root.querySelector('template');
    if (rest) this.cards.push(...rest.content.children);
    this.filters = Array.from(root.querySelectorAll('select'));
    this.output = root.querySelector('output');
    this.more = root.querySelector('.more');
    root.querySelector('.filters').hidden = false;
    for (const filter of this.filters) {
      filter.value = '';
      filter.addEventListener('change', () => this.show(this.page));
    }
    this.more.addEventListener('click', () => {
      const first = this.shown;
      this.show(this.shown + 4 * this.page);
      const next = this.fitting[first];
      next.tabIndex = -1;
      next.focus({preventScroll: true});
    });
    this.show(this.page);
  }

  show(most) {
    const wanted = (card) => this.filters.every(
        (filter) => filter.value === '' || card.dataset['f' + filter.dataset.filter] === filter.value);
    this.fitting = this.cards.filter(wanted);
    this.shown = Math.min(most, this.fitting.length);
    this.list.replaceChildren(...this.fitting.slice(0, this.shown));
    this.output.textContent = format.count(this.fitting.length) + ' / ' + format.count(this.cards.length);
    this.more.hidden = this.shown === this.fitting.length;
  }
}

/** The keyboard stops only at tables that have something to scroll to. */
function mind_tab_stops() {
  for (const box of document.querySelectorAll('.scroll')) {
    box.tabIndex = box.scrollWidth > box.clientWidth ? 0 : -1;
  }
}

language.start();
for (const root of document.querySelectorAll('.explorer')) new Explorer(root);
for (const root of document.querySelectorAll('.gallery')) new Gallery(root);
mind_tab_stops();
window.addEventListener('resize', mind_tab_stops);
document.addEventListener('toggle', mind_tab_stops, true);
