/* The till: scanner gun, camera and beep. Every step also works as a plain form. ES5. */
(function () {
  'use strict';
  var scan = document.getElementById('scan-form');
  var field = document.getElementById('code');

  /* A scanner gun types 28 digits at once and ends with Enter; it may do so wherever the cursor is. */
  var typed = '';
  var last = 0;
  if (scan) {
    window.addEventListener('keydown', function (event) {
      var now = Date.now();
      if (now - last > 250) { typed = ''; }
      last = now;
      if (event.key === 'Enter') {
        if (typed.length >= 20 && document.activeElement !== field) {
          event.preventDefault();
          field.value = typed;
          scan.submit();
        }
        typed = '';
      } else if (event.key && event.key.length === 1) {
        typed += event.key;
      }
    });
  }

  var open = document.getElementById('camera-open');
  if (open && scan) {
    if (!navigator.mediaDevices || !navigator.mediaDevices.getUserMedia) { open.hidden = true; }
    open.addEventListener('click', function () {
      var video = document.getElementById('camera');
      var note = document.getElementById('camera-note');
      navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' } }).then(function (stream) {
        video.hidden = false;
        video.srcObject = stream;
        video.play();
        note.textContent = '请把医保码对准摄像头';
        look(video, stream, note);
      }, function () { note.textContent = '摄像头打不开，请检查浏览器权限，或改用扫码枪、手工输入。'; });
    });
  }

  /* Frames are read on the server: it finds codes that browsers miss, and old tills need no decoder. */
  function look(video, stream, note) {
    var canvas = document.createElement('canvas');
    function again() { window.setTimeout(frame, 150); }
    function frame() {
      if (!video.videoWidth) { again(); return; }
      canvas.width = video.videoWidth;
      canvas.height = video.videoHeight;
      canvas.getContext('2d').drawImage(video, 0, 0);
      canvas.toBlob(function (blob) {
        var request = new XMLHttpRequest();
        request.open('POST', '/till/frame');
        request.setRequestHeader('Content-Type', 'image/jpeg');
        request.setRequestHeader('x-csrftoken', scan.querySelector('[name=_csrf_token]').value);
        request.onload = function () {
          var code = request.status === 201 || request.status === 200 ? JSON.parse(request.responseText).code : '';
          if (code) {
            stream.getTracks().forEach(function (track) { track.stop(); });
            field.value = code;
            scan.submit();
          } else { again(); }
        };
        request.onerror = function () { note.textContent = '网络不通，正在重试'; again(); };
        request.send(blob);
      }, 'image/jpeg', 0.85);
    }
    frame();
  }

  /* One clear beep when a settlement has just been done. */
  if (document.getElementById('beep') && window.AudioContext) {
    try {
      var context = new AudioContext();
      var tone = context.createOscillator();
      var volume = context.createGain();
      tone.frequency.value = 1760;
      volume.gain.value = 0.2;
      tone.connect(volume);
      volume.connect(context.destination);
      tone.start();
      tone.stop(context.currentTime + 0.18);
      document.getElementById('beep').setAttribute('data-beeped', 'yes');
    } catch (refused) { /* Some browsers want a touch first; the green sign says the same. */ }
  }
}());
