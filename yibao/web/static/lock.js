/* The phone's screen lock before the code: offers it where the phone has one, asks for it, and hands the server what the
   phone signed. Only the phone knows fingers and faces. ES5; without it the transaction password opens the code. */
(function () {
  'use strict';
  var PATIENCE = 60000;
  var FAILED = '没有通过。请再试一次，或用交易密码打开。';
  var UNREACHED = '网络不通，请稍后再试。';
  var works = Boolean(window.PublicKeyCredential && navigator.credentials && window.isSecureContext && window.Uint8Array);

  function the(id) { return document.getElementById(id); }

  function bytesOf(text) {
    var raw = window.atob(text.replace(/-/g, '+').replace(/_/g, '/'));
    var bytes = new Uint8Array(raw.length);
    for (var i = 0; i < raw.length; i += 1) { bytes[i] = raw.charCodeAt(i); }
    return bytes;
  }

  function textOf(buffer) {
    var bytes = new Uint8Array(buffer);
    var raw = '';
    for (var i = 0; i < bytes.length; i += 1) { raw += String.fromCharCode(bytes[i]); }
    return window.btoa(raw).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
  }

  /* Has the phone sign, after its owner opened its lock; `rpId` may be left out, then it is this page's host. */
  function sign(challenge, credential, rpId) {
    var options = {
      challenge: challenge,
      allowCredentials: [{ type: 'public-key', id: bytesOf(credential), transports: ['internal'] }],
      userVerification: 'required',
      timeout: PATIENCE
    };
    if (rpId) { options.rpId = rpId; }
    return navigator.credentials.get({ publicKey: options });
  }

  function make(question) {
    return navigator.credentials.create({ publicKey: {
      challenge: bytesOf(question.challenge),
      rp: { id: question.rp_id, name: '医保' },
      user: { id: bytesOf(question.user), name: '医保码', displayName: '医保码' },
      pubKeyCredParams: question.algorithms.map(function (alg) { return { type: 'public-key', alg: alg }; }),
      authenticatorSelection: {
        authenticatorAttachment: 'platform', userVerification: 'required',
        residentKey: 'discouraged', requireResidentKey: false
      },
      attestation: 'none',
      timeout: PATIENCE
    } });
  }

  /* Without a network there is nobody to check what was signed: that the phone signed at all is the answer. */
  function openHere(credential, done) {
    if (!works) { done(false); return; }
    var challenge = new Uint8Array(32);
    window.crypto.getRandomValues(challenge);
    sign(challenge, credential).then(function () { done(true); }, function () { done(false); });
  }

  window.yibaoLock = { open: openHere };

  function post(path, body, done) {
    var request = new XMLHttpRequest();
    request.open('POST', path);
    request.setRequestHeader('Content-Type', 'application/json');
    request.setRequestHeader('x-csrftoken', document.querySelector('[name=_csrf_token]').value);
    request.onload = function () { done(request.status, request.responseText); };
    request.onerror = function () { done(0, ''); };
    request.send(body ? JSON.stringify(body) : null);
  }

  /* The question is fetched at the tap: browsers ask for the lock only as the answer to one. */
  function atTap(card, answer, done) {
    var trouble = the('lock-trouble');
    var busy = false;
    function say(words) {
      busy = false;
      trouble.textContent = words;
      trouble.hidden = !words;
    }
    the('lock-button').addEventListener('click', function () {
      if (busy) { return; }
      say('');
      busy = true;
      post('/code/lock/question', null, function (status, text) {
        if (status !== 200) { if (status) { window.location.reload(); } else { done(say); } return; }
        answer(JSON.parse(text), say);
      });
    });
    card.hidden = false;
  }

  function ended(next, say) {
    return function (status) {
      if (status === 204) { window.location.replace(next); } else { say(status ? FAILED : UNREACHED); }
    };
  }

  function offer(card) {
    window.PublicKeyCredential.isUserVerifyingPlatformAuthenticatorAvailable().then(function (there) {
      if (!there) { return; }
      the('lock-advice').hidden = true;
      atTap(card, function (question, say) {
        make(question).then(function (key) {
          var made = { client_data: textOf(key.response.clientDataJSON), attestation: textOf(key.response.attestationObject) };
          post('/code/lock/made', made, ended('/code', say));
        }, function () { say('没有设成，医保码照旧不用锁屏。可以再试一次。'); });
      }, function (say) { say(UNREACHED); });
    }, function () { /* Then this phone has none. */ });
  }

  function ask(card) {
    var next = card.getAttribute('data-next');
    atTap(card, function (question, say) {
      if (!question.credential) { window.location.replace(next); return; }
      sign(bytesOf(question.challenge), question.credential, question.rp_id).then(function (key) {
        post('/code/lock/signed', {
          credential_id: textOf(key.rawId),
          client_data: textOf(key.response.clientDataJSON),
          authenticator_data: textOf(key.response.authenticatorData),
          signature: textOf(key.response.signature)
        }, ended(next, say));
      }, function () { say(FAILED); });
    }, function (say) {
      /* Without a network the kept page opens the lock itself. */
      if (navigator.serviceWorker && navigator.serviceWorker.controller) { window.location.replace(next); } else { say(UNREACHED); }
    });
  }

  if (!works) { return; }
  if (the('lock-open')) { ask(the('lock-open')); }
  var card = the('lock-offer');
  if (card && card.getAttribute('data-origin') === window.location.origin &&
      window.PublicKeyCredential.isUserVerifyingPlatformAuthenticatorAvailable) { offer(card); }
}());
