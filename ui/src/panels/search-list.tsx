/** A search box over a list, worked by keyboard: arrows choose, Enter takes. Used to add nodes and for commands. */
import { type ReactNode, useId, useLayoutEffect, useRef, useState } from 'react';
import { fuzzyFilter, type Searchable } from '../state/fuzzy.ts';

export interface SearchItem extends Searchable {
  readonly key: string;
}

interface SearchListProps<T extends SearchItem> {
  readonly label: string;
  readonly placeholder: string;
  readonly items: readonly T[];
  readonly empty: string;
  renderItem(item: T): ReactNode;
  /** Headings between groups while nothing is searched. */
  groupOf?(item: T): string;
  onPick(item: T): void;
  onActive?(item: T | undefined): void;
  /** Tab while nothing is searched: on to what comes next on the page. Otherwise it takes the chosen item. */
  onTabAway?(): void;
}

export function SearchList<T extends SearchItem>(props: SearchListProps<T>) {
  const { items, onActive } = props;
  const [query, setQuery] = useState('');
  const [index, setIndex] = useState(0);
  const list = useRef<HTMLUListElement>(null);
  const listId = useId();
  const found = fuzzyFilter(items, query);
  const active = found[Math.min(index, found.length - 1)];
  useLayoutEffect(() => {
    list.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: 'nearest' });
    onActive?.(active);
  }, [active, onActive]);
  let group: string | undefined;
  return (
    <div className="search-list">
      <input
        type="text"
        role="combobox"
        aria-expanded="true"
        aria-controls={listId}
        aria-autocomplete="list"
        aria-label={props.label}
        {...(active ? { 'aria-activedescendant': `${listId}-${active.key}` } : {})}
        placeholder={props.placeholder}
        value={query}
        // biome-ignore lint/a11y/noAutofocus: the box was opened to type in
        autoFocus
        spellCheck={false}
        autoComplete="off"
        data-testid="search"
        onChange={(event) => {
          setQuery(event.target.value);
          setIndex(0);
        }}
        onKeyDown={(event) => {
          const by = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 }[event.key];
          if (by !== undefined) {
            event.preventDefault();
            setIndex((at) => Math.max(0, Math.min(found.length - 1, at + by)));
          } else if (event.key === 'Tab' && query === '' && props.onTabAway) {
            event.preventDefault();
            event.stopPropagation();
            props.onTabAway();
          } else if ((event.key === 'Enter' || event.key === 'Tab') && active) {
            event.preventDefault();
            event.stopPropagation();
            props.onPick(active);
          }
        }}
      />
      {/* biome-ignore lint/a11y/noNoninteractiveElementToInteractiveRole: the pattern of a combobox with its listbox */}
      <ul ref={list} id={listId} role="listbox" aria-label={props.label} data-scrolls>
        {found.map((item) => {
          const heading = query === '' ? props.groupOf?.(item) : undefined;
          const showHeading = heading !== undefined && heading !== group;
          group = heading;
          return (
            <li key={item.key} role="presentation">
              {showHeading && <h4>{heading}</h4>}
              {/* biome-ignore lint/a11y/useKeyWithClickEvents: the keys are on the search box, which keeps the focus */}
              <div
                id={`${listId}-${item.key}`}
                role="option"
                tabIndex={-1}
                aria-selected={item === active}
                data-testid={`option-${item.key}`}
                onPointerMove={() => setIndex(found.indexOf(item))}
                onClick={() => props.onPick(item)}
              >
                {props.renderItem(item)}
              </div>
            </li>
          );
        })}
        {found.length === 0 && <li className="nothing">{props.empty}</li>}
      </ul>
    </div>
  );
}
