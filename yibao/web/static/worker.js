/* The service worker: shows the offline page when a phone's page cannot be fetched, and keeps what that page consists
   of. VERSION and FILES are put before it by /worker.js, so that a change of any of them is a new worker. */
(function () {
  'use strict';
  var SHELL = '/code/offline';
  var SENT = '/code/offline?sent=true'; /* A form was on its way: whether it arrived, nobody knows here. */
  var CODES = /^\/(code|family\/[0-9a-f]+\/code)$/;
  var ELSEWHERE = /^\/(till|console|unit|api|docs)(\/|$)/; /* Staff and systems see what is wrong as it is. */
  var PATIENCE_FILE = 1000; /* What the kept page consists of is here already. */
  var PATIENCE = 5000; /* Whoever stands at a till with a code is not left to a network that is there in name only. */

  function fresh(path) { return new Request(path, { cache: 'reload' }); }

  self.addEventListener('install', function (event) {
    event.waitUntil(caches.open(self.VERSION).then(function (cache) {
      return cache.addAll([SHELL, SENT].concat(self.FILES).map(fresh));
    }).then(function () { return self.skipWaiting(); }));
  });

  self.addEventListener('activate', function (event) {
    event.waitUntil(caches.keys().then(function (names) {
      return Promise.all(names.map(function (name) { return name === self.VERSION || caches.delete(name); }));
    }).then(function () { return self.clients.claim(); }));
  });

  function kept(path) {
    return caches.match(path).then(function (found) { return found || Response.error(); });
  }

  /* What stands before the house answers for one that is down. Our own pages that say 503 have the house's headers. */
  function isOfTheDoor(answer) {
    return answer.status >= 502 && answer.status <= 504 && !answer.headers.get('content-security-policy');
  }

  /* Fetches, but not for longer than that. A silent connection is let go, for it holds up whoever asks next. */
  function soon(request, patience) {
    return new Promise(function (resolve, reject) {
      var given = self.AbortController ? new AbortController() : { abort: function () {} };
      var waiting = setTimeout(function () { reject(new Error('silence')); given.abort(); }, patience);
      fetch(request, { signal: given.signal }).then(function (answer) {
        clearTimeout(waiting);
        resolve(answer);
      }, reject);
    });
  }

  function page(request, path) {
    var asked = request.method === 'GET' && CODES.test(path) ? soon(request, PATIENCE) : fetch(request);
    function offline() { return kept(request.method === 'GET' ? SHELL : SENT); }
    return asked.then(function (answer) { return isOfTheDoor(answer) ? offline() : answer; }, offline);
  }

  function file(request, path) {
    function fromHere() { return kept(path); }
    return soon(request, PATIENCE_FILE).then(function (answer) { return answer.ok ? answer : fromHere(); }, fromHere);
  }

  self.addEventListener('fetch', function (event) {
    var request = event.request;
    var address = new URL(request.url);
    var path = address.pathname;
    if (address.origin !== self.location.origin) { return; }
    if (request.mode === 'navigate') {
      if (!ELSEWHERE.test(path)) { event.respondWith(page(request, path)); }
    } else if (request.method === 'GET' && self.FILES.indexOf(path) >= 0) {
      event.respondWith(file(request, path));
    }
  });
}());
