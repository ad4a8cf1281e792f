/* The live code: counts down and fetches the next one. Without a network it draws it from tickets that were fetched
   beforehand. ES5, so that old phones run it; without it the page reloads by itself. */
(function () {
  'use strict';
  var box = document.getElementById('code');
  if (!box) { return; }
  var clock = document.getElementById('code-clock');
  var note = document.getElementById('code-offline');
  var offline = window.yibaoOffline;
  var path = box.getAttribute('data-here') || window.location.pathname;
  var ticketsFrom = box.getAttribute('data-tickets');
  var mark = box.getAttribute('data-mark');
  var shell = !box.getAttribute('data-here'); /* The page that the phone keeps for when it has no network. */
  var left = parseInt(box.getAttribute('data-seconds'), 10);
  var connected = !shell;
  var troubled = false;
  var ENOUGH = 400;
  var AT_ONCE = 100;
  var RENEW = 6 * 24 * 3600 * 1000;
  var TROUBLES = {
    network: '网络不通，医保码暂未更新，正在重试',
    none: '没有网络，这部手机还没有备好离线码。请连接网络，或出示身份证、社会保障卡',
    clock: '没有网络，手机的时间被调慢了，出示的码会无效。请把时间调准，或连接网络',
    old: '没有网络，离线码已过期：手机一个星期没有联网。请连接网络，或出示身份证、社会保障卡',
    empty: '没有网络，离线码已用完。请连接网络，或出示身份证、社会保障卡'
  };

  function count() { if (!troubled) { tell(); } }

  function tell() { clock.textContent = connected ? left + ' 秒后自动更新' : '没有网络，离线出示（' + left + ' 秒）'; }

  function show(answer, seconds) {
    document.getElementById('code-qr').src = answer.qr;
    document.getElementById('code-bar').src = answer.bar;
    document.getElementById('code-digits').textContent = answer.digits;
    left = seconds;
    troubled = false;
    tell();
  }

  function day(instant) {
    var there = new Date(instant + 8 * 3600 * 1000); /* The day in China, wherever the phone is. */
    return (there.getUTCMonth() + 1) + ' 月 ' + there.getUTCDate() + ' 日';
  }

  function drawHere() {
    var drawn = offline ? offline.draw(path) : { trouble: 'none' };
    var trouble = document.getElementById('code-trouble');
    troubled = Boolean(drawn.trouble);
    if (troubled) {
      left = 3;
      clock.textContent = '没有更新，正在重试';
      trouble.textContent = ticketsFrom || shell ? TROUBLES[drawn.trouble] : TROUBLES.network;
    } else {
      if (shell) { document.getElementById('code-who').textContent = drawn.who; }
      box.hidden = false;
      show(drawn, 25);
    }
    trouble.hidden = !troubled;
  }

  /* With the network gone the code is drawn here first and the server asked after that, so that nobody waits for it. */
  function fetchNext() {
    if (!connected) { drawHere(); }
    ask();
  }

  function ask() {
    var asked = Date.now();
    var request = new XMLHttpRequest();
    request.open('GET', path + '/next');
    request.timeout = 4000; /* A code is good for five seconds longer than it is shown. */
    request.onload = function () {
      if (request.status >= 500) { failed(); return; }
      if (request.status !== 200) { if (offline) { offline.drop(path); } window.location.reload(); return; }
      if (shell) { window.location.reload(); return; }
      var answer = JSON.parse(request.responseText);
      connected = true;
      document.getElementById('code-trouble').hidden = true;
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
    if (!ticketsFrom || !offline || !window.sm3 || !window.qrcode || !window.JsBarcode) { return; }
    var kept = offline.kept(path, mark);
    var lacks = kept.tickets < ENOUGH;
    if (!lacks && kept.until > Date.now() + RENEW) { ready(); return; }
    var asked = Date.now();
    var request = new XMLHttpRequest();
    request.open('POST', ticketsFrom);
    request.setRequestHeader('Content-Type', 'application/json');
    request.setRequestHeader('x-csrftoken', document.querySelector('[name=_csrf_token]').value);
    request.onload = function () {
      if (request.status !== 200) { return; }
      var answer = JSON.parse(request.responseText);
      offline.setClock(answer.now, asked);
      offline.keep(path, mark, document.getElementById('code-who').textContent, answer);
      ready();
    };
    request.send(JSON.stringify({ tickets: lacks ? AT_ONCE : 0 }));
  }

  function ready() {
    var kept = offline.kept(path, mark);
    if (!kept.tickets) { return; }
    note.textContent = '没有网络也能出示：已备好离线码，' + day(kept.until) + '前联网打开一次就会续期。' +
      (navigator.serviceWorker ? '' : '请不要关掉这一页，这个浏览器没有网络时打不开新的页面。');
    note.hidden = false;
    if (navigator.serviceWorker) { navigator.serviceWorker.register('/worker.js'); }
  }

  document.getElementById('code-refresh').addEventListener('click', function (event) { event.preventDefault(); fetchNext(); });
  window.setInterval(function () {
    if (document.hidden) { return; }
    left -= 1;
    if (left > 0) { count(); } else if (left === 0) { fetchNext(); } else if (left < -9) { left = 1; }
  }, 1000);
  window.addEventListener('online', ask);
  document.addEventListener('visibilitychange', function () { if (!document.hidden) { fetchNext(); } });
  if (!shell) {
    if (offline) { offline.keepCare(document.body.className === 'care'); }
    prepare();
    return;
  }
  document.body.className = offline.isCare() ? 'care' : '';
  document.body.setAttribute('data-weui-mode', offline.isCare() ? 'care' : '');
  if (/^\/(code|family\/[0-9a-f]+\/code)$/.test(path)) {
    fetchNext();
  } else {
    document.getElementById('offline-other').hidden = false;
    left = Infinity;
  }
}());
