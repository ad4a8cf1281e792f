/* The live check of a face: opens the camera, sends frames one after the other, shows what the answer says. Nothing is
   decided here. When digits are read it also records each digit's window. ES5, for old phones. */
(function () {
  'use strict';
  var box = document.getElementById('face');
  if (!box) { return; }
  var here = '/face/' + box.getAttribute('data-check');
  var nonce = box.getAttribute('data-nonce');
  var serial = parseInt(box.getAttribute('data-serial'), 10);
  var steps = parseInt(box.getAttribute('data-steps'), 10);
  var reads = box.getAttribute('data-mode') === 'digits';
  var token = document.querySelector('[name=_csrf_token]').value;
  var video = document.getElementById('face-video');
  var say = document.getElementById('face-say');
  var clock = document.getElementById('face-clock');
  var digit = document.getElementById('face-digit');
  var open = document.getElementById('face-open');
  var canvas = document.createElement('canvas');
  var WIDTH = 480;
  var EVERY = 120;
  var WINDOW = 1200;
  var LEAD = 400;
  var ended = false;
  var recorder = null;

  function tell(text) { if (say.textContent !== text) { say.textContent = text; } }

  function leave() { ended = true; window.location.href = here; }

  /* One request at a time. An answer that got lost does no harm: the next one says where the check stands. */
  function post(path, body, then, again) {
    var request = new XMLHttpRequest();
    request.open('POST', here + path + (path.indexOf('?') < 0 ? '?' : '&') + 'nonce=' + nonce + '&serial=' + serial);
    request.setRequestHeader('Content-Type', 'application/octet-stream');
    request.setRequestHeader('x-csrftoken', token);
    request.timeout = 20000;
    request.onload = function () {
      var answer = null;
      try { answer = JSON.parse(request.responseText); } catch (broken) { answer = null; }
      if (ended) { return; }
      if (!answer || typeof answer.say !== 'string') {
        if (request.status >= 500) { tell('系统暂时没有应答，正在重试'); window.setTimeout(again, 1500); } else { leave(); }
        return;
      }
      if (answer.ended) { leave(); return; }
      serial = answer.serial;
      tell(answer.say);
      box.setAttribute('data-cause', answer.cause);
      box.setAttribute('data-step', answer.step);
      if (request.status !== 200) { window.setTimeout(again, 700); return; }
      document.getElementById('face-done').textContent = Math.min(answer.done + 1, steps);
      clock.textContent = '还有 ' + answer.left_seconds + ' 秒';
      then(answer);
    };
    request.onerror = request.ontimeout = function () {
      if (ended) { return; }
      box.setAttribute('data-cause', 'network');
      tell('网络不通，正在重试。请检查网络，不用重新开始');
      window.setTimeout(again, 1500);
    };
    request.send(body);
  }

  function blobOf(address) {
    var bytes = window.atob(address.split(',')[1]);
    var all = new Uint8Array(bytes.length);
    for (var i = 0; i < bytes.length; i += 1) { all[i] = bytes.charCodeAt(i); }
    return new Blob([all], { type: 'image/jpeg' });
  }

  function capture(then) {
    canvas.width = Math.min(WIDTH, video.videoWidth);
    canvas.height = Math.round(video.videoHeight * canvas.width / video.videoWidth);
    canvas.getContext('2d').drawImage(video, 0, 0, canvas.width, canvas.height);
    if (canvas.toBlob) { canvas.toBlob(then, 'image/jpeg', 0.85); } else { then(blobOf(canvas.toDataURL('image/jpeg', 0.85))); }
  }

  function frame() {
    if (ended) { return; }
    if (!video.videoWidth || document.hidden) { window.setTimeout(frame, 200); return; }
    var began = Date.now();
    capture(function (blob) {
      post('/frame', blob, function (answer) {
        if (answer.digit) { readDigit(answer.digit); return; }
        digit.textContent = '';
        window.setTimeout(frame, Math.max(0, EVERY - (Date.now() - began)));
      }, frame);
    });
  }

  /* The recorder keeps the last seconds in memory; a window is cut out of them, with a little of the room before it. */
  function record(stream) {
    var Context = window.AudioContext || window.webkitAudioContext;
    if (!Context || !stream.getAudioTracks().length) { return null; }
    var context = new Context();
    var source = context.createMediaStreamSource(stream);
    var node = context.createScriptProcessor(4096, 1, 1);
    var kept = [];
    node.onaudioprocess = function (event) {
      kept.push(new Float32Array(event.inputBuffer.getChannelData(0)));
      if (kept.length * 4096 > context.sampleRate * 4) { kept.shift(); }
    };
    source.connect(node);
    node.connect(context.destination);
    if (context.resume) { context.resume(); }
    return {
      rate: Math.round(context.sampleRate),
      last: function (milliseconds) {
        var count = Math.round(context.sampleRate * milliseconds / 1000);
        var all = [];
        var i;
        var j;
        for (i = 0; i < kept.length; i += 1) { for (j = 0; j < kept[i].length; j += 1) { all.push(kept[i][j]); } }
        all = all.slice(Math.max(0, all.length - count));
        var view = new DataView(new ArrayBuffer(all.length * 2));
        for (i = 0; i < all.length; i += 1) { view.setInt16(i * 2, Math.max(-1, Math.min(1, all[i])) * 32767, true); }
        return new Blob([view.buffer], { type: 'application/octet-stream' });
      }
    };
  }

  function readDigit(shown) {
    if (!recorder) { tell('没有麦克风，或没有允许使用麦克风。请允许后刷新本页，或改用其他方式'); return; }
    digit.textContent = '';
    window.setTimeout(function () {
      var frames = [];
      digit.textContent = shown;
      var began = Date.now();
      function look() {
        if (Date.now() - began >= WINDOW) { send(); return; }
        capture(function (blob) { frames.push(blob); });
        window.setTimeout(look, 230);
      }
      function send() {
        digit.textContent = '';
        var sound = recorder.last(WINDOW + LEAD);
        function go() {
          var parts = [sound].concat(frames.slice(0, 6));
          var sizes = [];
          for (var i = 0; i < parts.length; i += 1) { sizes.push(parts[i].size); }
          var about = '/window?rate=' + recorder.rate + '&lead=' + LEAD / 1000 + '&sizes=' + sizes.join(',');
          post(about, new Blob(parts), function (answer) {
            if (answer.digit) { readDigit(answer.digit); } else { frame(); }
          }, go);
        }
        window.setTimeout(go, 50);
      }
      look();
    }, 900);
  }

  function begin() {
    open.hidden = true;
    if (!navigator.mediaDevices || !navigator.mediaDevices.getUserMedia) {
      tell('这个浏览器打不开摄像头。请用下面的「拍照验证」');
      return;
    }
    tell('请允许使用摄像头' + (reads ? '和麦克风' : ''));
    /* What a phone would filter out as noise must be heard to be told. */
    var sound = reads ? { noiseSuppression: false } : false;
    navigator.mediaDevices.getUserMedia({ video: { facingMode: 'user' }, audio: sound }).then(function (stream) {
      video.srcObject = stream;
      video.play();
      if (reads) { recorder = record(stream); }
      frame();
    }, function () {
      box.setAttribute('data-cause', 'camera');
      tell('没有打开摄像头' + (reads ? '或麦克风' : '') + '。请在浏览器里允许后重试，或用下面的「拍照验证」');
      open.hidden = false;
    });
  }

  open.addEventListener('click', begin);
  begin();
}());
