/* Codes without a network: keeps the tickets that the server handed out beforehand, and draws from them what the server
   would draw. What is kept lies under the path of the page that shows it. ES5, over sm3, qrcode and JsBarcode. */
(function () {
  'use strict';
  var PREFIX = 'yb_offline:';
  var CLOCK = 'clock';
  var STEP = 30000;
  var TURNED_BACK = 60000;
  var QUIET = { qr: 4, bar: 10 };

  /* Phones of 2015 have these arrays without the way to fill them, which the digest needs. */
  if (window.Uint32Array && !Uint32Array.prototype.fill) {
    Uint32Array.prototype.fill = function (value) {
      for (var i = 0; i < this.length; i += 1) { this[i] = value; }
      return this;
    };
  }

  function read(name) {
    try { return JSON.parse(window.localStorage.getItem(PREFIX + name)); } catch (closed) { return null; }
  }

  function write(name, value) {
    try { window.localStorage.setItem(PREFIX + name, JSON.stringify(value)); return true; } catch (closed) { return false; }
  }

  /* The codes that are kept here, the person's own first. */
  function packs() {
    try {
      return Object.keys(window.localStorage).filter(function (name) {
        return name.indexOf(PREFIX + '/') === 0;
      }).sort().map(function (name) {
        var path = name.substr(PREFIX.length);
        var pack = read(path);
        return { path: path, mark: pack.mark, who: pack.who };
      });
    } catch (closed) { return []; }
  }

  function drop(name) {
    try { window.localStorage.removeItem(PREFIX + name); } catch (closed) { /* Then nothing was kept either. */ }
  }

  /* The phone's own clock may be wrong by hours; what counts is how far it was from the server's when that last spoke. */
  function setClock(now, asked) {
    var heard = Date.now();
    write(CLOCK, { ahead: now - (asked + heard) / 2, last: heard });
  }

  function keep(path, mark, who, answer) {
    var earlier = read(path);
    var goesOn = earlier && earlier.mark === mark && earlier.key === answer.key && earlier.province === answer.province;
    write(path, {
      mark: mark,
      who: who,
      key: answer.key,
      province: answer.province,
      until: answer.until,
      tickets: (goesOn ? earlier.tickets : []).concat(answer.tickets)
    });
  }

  /* Says how many tickets are kept for this page, and until when. What another sign-in left behind is thrown away, on
     whichever page it was shown; a mark begins with what tells one sign-in from another. */
  function kept(path, mark) {
    var pack = read(path);
    packs().forEach(function (other) { if (other.mark.split('-')[0] !== mark.split('-')[0]) { drop(other.path); } });
    if (pack && pack.mark === mark) { return { tickets: pack.tickets.length, until: pack.until }; }
    drop(path);
    return { tickets: 0, until: 0 };
  }

  /* Some browsers have a store and keep nothing in it. */
  function works() { return write('works', true); }

  /* The page that the phone keeps was rendered once; in which size its owner reads is known to the phone. */
  function keepCare(on) { write('care', on); }

  function isCare() { return read('care') === true; }

  /* The key of the screen lock before the codes, empty where there is none; the page that came with a network says. */
  function keepLock(credential) { write('lock', credential); }

  function lock() { return read('lock') || ''; }

  function bytesOf(hex) {
    var bytes = [];
    for (var i = 0; i < hex.length; i += 2) { bytes.push(parseInt(hex.substr(i, 2), 16)); }
    return bytes;
  }

  function tag(key, text) {
    var message = [];
    var i;
    for (i = 0; i < text.length; i += 1) { message.push(text.charCodeAt(i)); }
    var mac = window.sm3(message, { mode: 'hmac', key: bytesOf(key) });
    var rest = 0;
    for (i = 0; i < mac.length; i += 1) { rest = (rest * 16 + parseInt(mac.charAt(i), 16)) % 1e9; }
    return ('00000000' + rest).slice(-9);
  }

  /* Takes the next ticket and returns its code, or the trouble: none, clock, old, empty. No ticket is shown twice. */
  function next(path) {
    var pack = read(path);
    var clock = read(CLOCK);
    if (!pack || !clock) { return { trouble: 'none' }; }
    var here = Date.now();
    if (here < clock.last - TURNED_BACK) { return { trouble: 'clock' }; }
    var now = here + clock.ahead;
    if (now >= pack.until) { return { trouble: 'old' }; }
    var ticket = pack.tickets.shift();
    if (!ticket) { return { trouble: 'empty' }; }
    if (!write(path, pack) || !write(CLOCK, { ahead: clock.ahead, last: here })) { return { trouble: 'none' }; }
    var code = ticket + tag(pack.key, ticket + pack.province + Math.floor(now / STEP)) + pack.province;
    return { code: code, who: pack.who, until: pack.until };
  }

  /* One path for all dark modules, a quiet zone around them; black on white, which every scanner reads. */
  function picture(rows, quiet, how) {
    var wide = rows[0].length + 2 * quiet;
    var high = rows.length === 1 ? 1 : rows.length + 2 * quiet;
    var path = '';
    for (var y = 0; y < rows.length; y += 1) {
      for (var x = 0; x < rows[y].length; x += 1) {
        if (rows[y][x]) { path += 'M' + (x + quiet) + ' ' + (rows.length === 1 ? 0 : y + quiet) + 'h1v1h-1z'; }
      }
    }
    return 'data:image/svg+xml,' + encodeURIComponent('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ' + wide +
      ' ' + high + '" ' + how + '><path fill="#fff" d="M0 0h' + wide + 'v' + high + 'H0z"/><path d="' + path + '"/></svg>');
  }

  function qr(code) {
    var drawn = window.qrcode(0, 'H');
    var rows = [];
    drawn.addData(code, 'Numeric');
    drawn.make();
    for (var y = 0; y < drawn.getModuleCount(); y += 1) {
      rows.push([]);
      for (var x = 0; x < drawn.getModuleCount(); x += 1) { rows[y].push(drawn.isDark(y, x)); }
    }
    return picture(rows, QUIET.qr, 'shape-rendering="crispEdges"');
  }

  function bar(code) {
    var drawn = {};
    var row = [];
    window.JsBarcode(drawn, code, { format: 'CODE128C' });
    var bits = drawn.encodings[0].data;
    for (var i = 0; i < bits.length; i += 1) { row.push(bits.charAt(i) === '1'); }
    return picture([row], QUIET.bar, 'preserveAspectRatio="none" shape-rendering="crispEdges"');
  }

  /* Returns what the server answers for the page's next code, drawn here; or the trouble. */
  function draw(path) {
    var found = next(path);
    if (found.trouble) { return found; }
    return {
      qr: qr(found.code),
      bar: bar(found.code),
      digits: found.code.replace(/(.{4})(?=.)/g, '$1 '),
      who: found.who,
      until: found.until
    };
  }

  window.yibaoOffline = {
    draw: draw, drop: drop, isCare: isCare, keep: keep, keepCare: keepCare, keepLock: keepLock,
    kept: kept, lock: lock, packs: packs, setClock: setClock, works: works
  };
}());
