/* Finds out what this phone can do, and writes it beside what it is for. ES5; without it the page says what to do. */
(function () {
  'use strict';
  var host = window.location.hostname;
  var secure = window.isSecureContext === true ||
    window.location.protocol === 'https:' || host === 'localhost' || host === '127.0.0.1';
  var media = navigator.mediaDevices && navigator.mediaDevices.getUserMedia;

  function say(key, good, words) {
    var mark = document.querySelector('#check-' + key + ' [data-state]');
    if (!mark) { return; }
    mark.textContent = words;
    mark.className = good ? 'mark' : 'mark mark--warn';
  }

  /* Some browsers can say that the person has refused before; the others ask when it is needed. */
  function ask(key, there) {
    say(key, there, there ? '有' : '没有');
    if (!there || !navigator.permissions || !navigator.permissions.query) { return; }
    try {
      navigator.permissions.query({ name: key === 'location' ? 'geolocation' : key }).then(function (answer) {
        if (answer.state === 'denied') { say(key, false, '没有允许'); }
      }, function () { /* This browser knows no such permission. */ });
    } catch (unknown) { /* Neither does this one. */ }
  }

  say('script', true, '有');
  say('secure', secure, secure ? '有' : '没有');
  say('cookie', navigator.cookieEnabled, navigator.cookieEnabled ? '有' : '没有');
  ask('camera', Boolean(secure && media));
  ask('microphone', Boolean(secure && media && (window.AudioContext || window.webkitAudioContext)));
  ask('location', Boolean(secure && navigator.geolocation));
  if (secure && window.PublicKeyCredential && window.PublicKeyCredential.isUserVerifyingPlatformAuthenticatorAvailable) {
    window.PublicKeyCredential.isUserVerifyingPlatformAuthenticatorAvailable().then(function (there) {
      if (there) { say('lock', true, '有'); } /* Where it is not, the phone may have one that no page can ask for. */
    }, function () { /* As above. */ });
  }
}());
