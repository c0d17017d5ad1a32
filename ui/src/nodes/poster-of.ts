/**
 * Still pictures of videos, for lists. A list of video elements would hold a connection and a decoder each; so one
 * video after the other is opened, a frame is drawn, and the video is let go.
 */

const posterWidth = 192;
/** A video that does not come in this time gets no picture; the next one has its turn. */
const patienceMs = 10_000;

const posters = new Map<string, Promise<string | undefined>>();
let queue: Promise<unknown> = Promise.resolve();

/** A frame of the video as the address of an image, or undefined when none could be had. Asked once per address. */
export function posterOf(url: string): Promise<string | undefined> {
  let poster = posters.get(url);
  if (!poster) {
    poster = queue.then(() => drawPoster(url)).catch(() => undefined);
    queue = poster;
    posters.set(url, poster);
  }
  return poster;
}

async function drawPoster(url: string): Promise<string | undefined> {
  const video = document.createElement('video');
  video.muted = true;
  video.preload = 'auto';
  video.src = url;
  try {
    await soon(video, 'loadeddata');
    // A clip that comes out of noise may begin dark; a little later says more.
    video.currentTime = Math.min(1, video.duration / 2);
    await soon(video, 'seeked');
    const canvas = document.createElement('canvas');
    canvas.width = Math.min(posterWidth, video.videoWidth);
    canvas.height = Math.max(1, Math.round((canvas.width * video.videoHeight) / video.videoWidth));
    canvas.getContext('2d')?.drawImage(video, 0, 0, canvas.width, canvas.height);
    return canvas.toDataURL('image/jpeg', 0.85);
  } finally {
    video.removeAttribute('src');
    video.load();
  }
}

function soon(video: HTMLVideoElement, event: 'loadeddata' | 'seeked'): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no ${event} in time`)), patienceMs);
    const settle = (act: () => void): void => {
      clearTimeout(timer);
      act();
    };
    video.addEventListener(event, () => settle(resolve), { once: true });
    video.addEventListener('error', () => settle(() => reject(new Error('the video cannot be played'))), {
      once: true,
    });
  });
}
