/** Line icons on a 16 px grid, in the colour of the text around them. */
const paths = {
  plus: 'M8 3v10M3 8h10',
  'add-node': 'M2.5 4h8v8h-8zM6.5 6.2v3.6M4.7 8h3.6M10.5 8H14',
  play: 'M5 3.2v9.6l8-4.8z',
  pause: 'M5 3.5h2v9H5zM9 3.5h2v9H9z',
  stop: 'M4.5 4.5h7v7h-7z',
  undo: 'M6 3 2.5 6.5 6 10M3 6.5h6.2a3.8 3.8 0 0 1 0 7.5H6',
  redo: 'M10 3l3.5 3.5L10 10M13 6.5H6.8a3.8 3.8 0 0 0 0 7.5H10',
  search: 'M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9zM10.3 10.3l3.2 3.2',
  folder: 'M2 4.5h4.2l1.5 1.7H14v6.8H2z',
  save: 'M3 2.5h8l2.5 2.5v8.5H3zM5.5 2.5v3.2h4V2.5M5 13.5V9h6.5v4.5',
  download: 'M8 2.5v7.5M4.8 7 8 10.2 11.2 7M3 13.2h10',
  upload: 'M8 10.5V3M4.8 6 8 2.8 11.2 6M3 13.2h10',
  file: 'M4 2h5.2L12.5 5.3V14H4zM9 2v3.5h3.5',
  templates: 'M2.5 3h5v4.5h-5zM8.8 3h4.7v10H8.8zM2.5 8.8h5V13h-5z',
  sun: 'M8 5.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6zM8 1.5v1.6M8 12.9v1.6M1.5 8h1.6M12.9 8h1.6M3.4 3.4l1.1 1.1M11.5 11.5l1.1 1.1M12.6 3.4l-1.1 1.1M4.5 11.5l-1.1 1.1',
  moon: 'M13 9.6A5.6 5.6 0 0 1 6.4 3 5.6 5.6 0 1 0 13 9.6z',
  frame: 'M2.5 5.5v-3h3M10.5 2.5h3v3M13.5 10.5v3h-3M5.5 13.5h-3v-3',
  minus: 'M3 8h10',
  layout: 'M2 3h4v3H2zM10 3h4v3h-4zM10 10h4v3h-4zM6 4.5h4M8 4.5v7h2',
  bolt: 'M9 1.5 3.5 9H8l-1 5.5L12.5 7H8z',
  alert: 'M8 2 14.5 13.5h-13zM8 6.5v3.2M8 11.4v.4',
  dice: 'M3 3h10v10H3zM5.7 5.7h.01M10.3 5.7h.01M8 8h.01M5.7 10.3h.01M10.3 10.3h.01',
  repeat: 'M3 7V6a2 2 0 0 1 2-2h7.5M10.5 2l2 2-2 2M13 9v1a2 2 0 0 1-2 2H3.5M5.5 14l-2-2 2-2',
  close: 'M4 4l8 8M12 4l-8 8',
  chevron: 'M4 6l4 4 4-4',
  panel: 'M2 3h12v10H2zM10 3v10',
  trash: 'M3 4.5h10M6.2 4.5V3h3.6v1.5M4.3 4.5l.6 8.7h6.2l.6-8.7',
  copy: 'M5.5 5.5h8v8h-8zM3 10.5H2.5v-8h8V3',
  target: 'M8 4.2a3.8 3.8 0 1 0 0 7.6 3.8 3.8 0 0 0 0-7.6zM8 1v3.2M8 11.8V15M1 8h3.2M11.8 8H15',
  command:
    'M5.5 5.5h5v5h-5zM5.5 5.5H4A1.5 1.5 0 1 1 5.5 4zM10.5 5.5V4A1.5 1.5 0 1 1 12 5.5zM10.5 10.5H12a1.5 1.5 0 1 1-1.5 1.5zM5.5 10.5V12A1.5 1.5 0 1 1 4 10.5z',
  check: 'M3 8.5 6.5 12 13 4.5',
  help: 'M6 6a2 2 0 1 1 2.8 1.8c-.6.3-.8.7-.8 1.4M8 11.6v.3M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8z',
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name, size = 16 }: { readonly name: IconName; readonly size?: number }) {
  return (
    <svg className="icon" width={size} height={size} viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path
        d={paths[name]}
        fill={
          name === 'bolt' || name === 'play' || name === 'pause' || name === 'stop' ? 'currentColor' : 'none'
        }
      />
    </svg>
  );
}
