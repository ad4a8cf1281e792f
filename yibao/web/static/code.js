/* The live code: counts down and fetches the next one. Without a network it draws it from tickets that were fetched
   beforehand, also on the page that the phone keeps for then. ES5, so that old phones run it; without it the page reloads
   by itself. */
(function () {
  'use strict';
  var box = document.getElementById('code');
  if (!box) { return; }
  var offline = window.yibaoOffline;
  var here = box.getAttribute('data-here'); /* None on the page that the phone keeps: it is shown at any address. */
  var path = here || window.location.pathname;
  var isCode = Boolean(here) || /^\/(code|family\/[0-9a-f]+\/code)$/.test(path);
  var ticketsFrom = box.getAttribute('data-tickets');
  var left = parseInt(box.getAttribute('data-seconds'), 10);
  var connected = Boolean(here);
  var troubled = false;
  var opened = here ? Date.now() : 0; /* When the screen lock was last known to be open. */
  var SHOWN = 25;
  var OVER = [401, 403, 409, 410]; /* Signed out, not permitted, not activated, ended: the page says which. */
  var ENOUGH = 400;
  var AT_ONCE = 100;
  var LOCKED = 423;
  var STAYS_OPEN = 5 * 60 * 1000; /* As on the server. */
  var RENEW = 6 * 24 * 3600 * 1000;
  var TROUBLES = {
    network: '网络不通，码没有更新，正在重试',
    none: '没有网络，这部手机还没有备好离线码。请连接网络，或出示身份证、社会保障卡',
    clock: '没有网络，手机的时间不对，出示的码会无效。请在手机「设置」里把日期和时间改为自动，或连接网络',
    old: '没有网络，离线码已过期：手机一个星期没有联网。请连接网络，或出示身份证、社会保障卡',
    empty: '没有网络，离线码已用完。请连接网络，或出示身份证、社会保障卡'
  };

  function the(id) { return document.getElementById(id); }

  /* Said aloud by a screen reader, so it changes only when the network goes or comes. */
  function say(text) { if (the('code-state').textContent !== text) { the('code-state').textContent = text; } }

  function tell() { the('code-clock').textContent = connected ? left + ' 秒后自动更新' : left + ' 秒后更新'; }

  function setTrouble(cause) {
    troubled = Boolean(cause);
    the('code-trouble').textContent = cause ? TROUBLES[cause] : '';
    the('code-trouble').hidden = !troubled;
    if (the('code-shut')) { the('code-shut').hidden = true; }
    the('code-drawn').hidden = troubled && cause !== 'network'; /* A dead code is not held out to anybody. */
    if (the('code-offline') && troubled) { the('code-offline').hidden = true; }
  }

  function show(answer, seconds) {
    the('code-qr').src = answer.qr;
    the('code-bar').src = answer.bar;
    the('code-digits').textContent = answer.digits;
    left = seconds;
    setTrouble('');
    tell();
  }

  function day(instant) {
    var there = new Date(instant + 8 * 3600 * 1000); /* The day in China, wherever the phone is. */
    return (there.getUTCMonth() + 1) + ' 月 ' + there.getUTCDate() + ' 日';
  }

  /* Without a network the phone guards its codes by itself: whoever can take it apart is not held up by that. */
  function isShut() {
    return Boolean(offline && offline.lock() && the('code-shut')) && Math.abs(Date.now() - opened) > STAYS_OPEN;
  }

  function shut() {
    left = SHOWN;
    setTrouble('');
    the('code-drawn').hidden = true;
    the('code-shut').hidden = false;
    the('code-clock').textContent = '';
    troubled = true; /* Nothing to count down to. */
    box.hidden = false;
  }

  function openHere() {
    window.yibaoLock.open(offline.lock(), function (isOpen) {
      if (!isOpen) { say('没有通过，请再试一次；也可以出示身份证、社会保障卡。'); return; }
      opened = Date.now();
      say('');
      fetchNext();
    });
  }

  function drawHere() {
    if (isShut()) { shut(); return; }
    var drawn = offline && (ticketsFrom || !here) ? offline.draw(path) : { trouble: 'network' };
    if (drawn.trouble) {
      left = 3;
      the('code-clock').textContent = '正在重试';
      setTrouble(drawn.trouble);
      if (!here) { list(); }
      return;
    }
    if (!here) {
      the('code-who').textContent = drawn.who;
      document.querySelector('h1').textContent = '医保码（没有网络）';
      box.hidden = false;
    }
    show(drawn, SHOWN);
    opened = Date.now();
    say('没有网络也能扫。付款时，请在收款台输入您的交易密码。');
  }

  /* Names the codes that can be shown without a network: the person's own, and those of relatives. */
  function list() {
    var codes = the('offline-codes');
    codes.innerHTML = '';
    (offline ? offline.packs() : []).forEach(function (pack) {
      var link = document.createElement('a');
      if (pack.path === path) { return; }
      link.className = 'weui-btn weui-btn_primary';
      link.href = pack.path;
      link.textContent = '出示 ' + pack.who + ' 的医保码';
      codes.appendChild(link);
    });
  }

  /* With the network gone the code is drawn here first and the server asked after that, so that nobody waits for it. */
  function fetchNext() {
    if (isCode && !connected) { drawHere(); }
    ask();
  }

  function parsed(text) { try { return JSON.parse(text); } catch (other) { return null; } }

  /* The kept page stays, for it may be the rest of the house that is slow: now it shows what the server draws. */
  function comeBack() {
    document.querySelector('h1').textContent = '医保码';
    the('offline-why').hidden = true;
    box.hidden = false;
  }

  function ask() {
    var asked = Date.now();
    var request = new XMLHttpRequest();
    if (!isCode) { left = SHOWN; }
    request.open('GET', isCode ? path + '/next' : '/api/health');
    request.timeout = 4000; /* A code is good for five seconds longer than it is shown. */
    request.onload = function () {
      if (request.status === LOCKED) { window.location.reload(); return; } /* What is kept waits behind the lock. */
      if (OVER.indexOf(request.status) >= 0) {
        if (offline) { offline.drop(path); }
        window.location.reload();
        return;
      }
      var answer = request.status === 200 ? parsed(request.responseText) : null;
      if (!answer) { failed(); return; } /* Not our answer: a door that is down, or a network that wants a sign-in. */
      if (!isCode) { window.location.reload(); return; }
      connected = true;
      opened = Date.now();
      say('');
      if (!here) { comeBack(); }
      show(answer, answer.seconds);
      if (offline) { offline.setClock(answer.now, asked); }
      prepare();
    };
    function failed() { if (connected) { connected = false; drawHere(); } }
    request.onerror = request.ontimeout = failed;
    request.send();
  }

  /* Sees to it that there are tickets for days without a network, and that they do not grow old. */
  function prepare() {
    if (!ticketsFrom || !offline || !window.sm3 || !window.qrcode || !window.JsBarcode || !offline.works()) { return; }
    var mark = box.getAttribute('data-mark');
    var kept = offline.kept(path, mark);
    var lacks = kept.tickets < ENOUGH;
    if (!lacks && kept.until > Date.now() + RENEW) { ready(kept); return; }
    var asked = Date.now();
    var request = new XMLHttpRequest();
    request.open('POST', ticketsFrom);
    request.setRequestHeader('Content-Type', 'application/json');
    request.setRequestHeader('x-csrftoken', document.querySelector('[name=_csrf_token]').value);
    request.onload = function () {
      if (request.status !== 200) { return; }
      var answer = JSON.parse(request.responseText);
      offline.setClock(answer.now, asked);
      offline.keep(path, mark, the('code-who').textContent, answer);
      ready(offline.kept(path, mark));
    };
    request.send(JSON.stringify({ tickets: lacks ? AT_ONCE : 0 }));
  }

  function ready(kept) {
    if (!kept.tickets) { return; }
    var words = '没有网络也能出示，' + day(kept.until) + '前有效；有网络时打开一次，日期自动延后。';
    function tellReady(more) {
      the('code-offline').textContent = words + more;
      the('code-offline').hidden = false;
    }
    function stay() { tellReady('请不要关掉这一页，这个浏览器没有网络时打不开新的页面。'); }
    if (!navigator.serviceWorker) { stay(); return; }
    navigator.serviceWorker.register('/worker.js').then(function () { tellReady(''); }, stay);
  }

  if (the('code-open')) { the('code-open').addEventListener('click', openHere); }
  the('code-refresh').addEventListener('click', function (event) { event.preventDefault(); fetchNext(); });
  window.setInterval(function () {
    if (document.hidden) { return; }
    left -= 1;
    if (left > 0) { if (!troubled) { tell(); } } else if (left === 0) { fetchNext(); } else if (left < -9) { left = 1; }
  }, 1000);
  window.addEventListener('online', ask);
  document.addEventListener('visibilitychange', function () { if (!document.hidden) { fetchNext(); } });

  if (here) {
    if (offline) {
      offline.keepCare(document.body.className === 'care');
      offline.keepLock(box.getAttribute('data-lock') || '');
    }
    prepare();
    return;
  }
  document.body.className = offline.isCare() ? 'care' : '';
  document.body.setAttribute('data-weui-mode', offline.isCare() ? 'care' : '');
  if (isCode) { fetchNext(); } else { the('offline-other').hidden = false; list(); }
}());
