/* The service worker: shows the offline page when a phone's page cannot be fetched, and keeps what that page consists
   of. VERSION and FILES are put before it by /worker.js, so that a change of any of them is a new worker. */
(function () {
  'use strict';
  var SHELL = '/code/offline';
  var SENT = '/code/offline?sent=true'; /* A form was on its way: whether it arrived, nobody knows here. */
  var CODES = /^\/(code|family\/[0-9a-f]+\/code)$/;
  var ELSEWHERE = /^\/(till|console|unit|api|docs)(\/|$)/; /* Staff and systems see what is wrong as it is. */
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

  function page(request, path) {
    return new Promise(function (resolve) {
      function offline() { resolve(kept(request.method === 'GET' ? SHELL : SENT)); }
      if (CODES.test(path) && request.method === 'GET') { setTimeout(offline, PATIENCE); }
      fetch(request).then(function (answer) {
        /* The door answers for a house that is down. */
        if (answer.status >= 502 && answer.status <= 504) { offline(); } else { resolve(answer); }
      }, offline);
    });
  }

  self.addEventListener('fetch', function (event) {
    var request = event.request;
    var address = new URL(request.url);
    var path = address.pathname;
    if (address.origin !== self.location.origin) { return; }
    if (request.mode === 'navigate') {
      if (!ELSEWHERE.test(path)) { event.respondWith(page(request, path)); }
    } else if (request.method === 'GET' && self.FILES.indexOf(path) >= 0) {
      event.respondWith(fetch(request)['catch'](function () { return kept(path); }));
    }
  });
}());
