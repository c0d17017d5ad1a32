import { type ReactNode, useEffect, useState } from 'react';
import { posterOf } from './poster-of.ts';

/** A still of a video; `children` until it is there. */
export function Poster({ url, children }: { readonly url: string; readonly children?: ReactNode }) {
  const [poster, setPoster] = useState<string | undefined>(undefined);
  useEffect(() => {
    let wanted = true;
    void posterOf(url).then((found) => {
      if (wanted) setPoster(found);
    });
    return () => {
      wanted = false;
    };
  }, [url]);
  return poster === undefined ? children : <img src={poster} alt="" draggable={false} />;
}
