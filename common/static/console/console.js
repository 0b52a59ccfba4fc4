/* Small comforts. Every page works without them. */
'use strict';

// A filter's menu closes when something else is clicked, and on Escape.
const openMenus = () => document.querySelectorAll('.filters details[open]');
document.addEventListener('click', (event) => {
    openMenus().forEach((menu) => {
        if (!menu.contains(event.target)) {
            menu.open = false;
        }
    });
});
document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') {
        openMenus().forEach((menu) => {
            menu.open = false;
            menu.querySelector('summary').focus();
        });
    }
});

// A second click on a button does not send the form a second time.
document.addEventListener('submit', (event) => {
    const form = event.target;
    if (form.method !== 'post') {
        return;
    }
    if (form.dataset.sent) {
        event.preventDefault();
    }
    form.dataset.sent = 'yes';
});
window.addEventListener('pageshow', () => {
    document.querySelectorAll('form[data-sent]').forEach((form) => {
        delete form.dataset.sent;
    });
});

// select2 names its box by the choice alone. With the field's own name before it, an empty one has a name too.
const nameBox = (select) => {
    const box = select.nextElementSibling?.querySelector('.select2-selection--single');
    if (box) {
        const choice = box.querySelector('.select2-selection__rendered');
        choice.removeAttribute('role');
        choice.removeAttribute('aria-readonly');
        box.id = `${choice.id}-box`;
        box.setAttribute('aria-label', select.getAttribute('aria-label') ?? select.labels[0].textContent);
        box.setAttribute('aria-labelledby', `${box.id} ${choice.id}`);
    }
};

// Django's widget for choosing several of many makes its icons late, and names them without a role.
window.addEventListener('load', () => {
    document.querySelectorAll('.help-tooltip').forEach((icon) => icon.setAttribute('role', 'img'));
});

// Choosing from a search filter applies it. select2 speaks through the admin's jQuery only, and is ready before this.
if (window.django && window.django.jQuery) {
    window.django.jQuery('.filter-autocomplete select').on('select2:select select2:clear', (event) => {
        event.target.form.requestSubmit();
    });
    window.django.jQuery(() => document.querySelectorAll('select.admin-autocomplete').forEach(nameBox));
}

// Keys: a letter presses what the page marks with it in `data-key`, in the current row if there are rows.
const keysOn = () => localStorage.getItem('keys') !== 'off';
const rows = () => [...document.querySelectorAll('#result_list tbody tr')];
const currentRow = () => document.activeElement.closest('#result_list tbody tr');
const isTyping = (element) => element.matches('input:not([type=radio]):not([type=checkbox]), textarea, select, [contenteditable]')
    || element.closest('[role=combobox], [role=searchbox]') !== null;

const focusRow = (row) => row.querySelector('th a, td a').focus();

// Whoever leaves a list by one of its rows, and comes back, is where they were: at the row that has its place now.
document.addEventListener('click', (event) => {
    const row = event.target.closest('#result_list tbody tr');
    if (row && event.target.closest('a, button')) {
        sessionStorage.setItem('left', JSON.stringify({ list: location.pathname, at: rows().indexOf(row) }));
    }
});
const left = JSON.parse(sessionStorage.getItem('left') ?? '{}');
if (left.list === location.pathname && rows().length) {
    focusRow(rows()[Math.min(left.at, rows().length - 1)]);
    sessionStorage.removeItem('left');
}

const move = (step) => {
    const places = rows();
    const reasons = [...document.querySelectorAll('.reasons input[type=radio]')];
    if (places.length) {
        const at = places.indexOf(currentRow());
        focusRow(places[at < 0 ? 0 : Math.min(Math.max(at + step, 0), places.length - 1)]);
    } else if (reasons.length) {
        const at = reasons.findIndex((reason) => reason.checked);
        const next = reasons[at < 0 ? 0 : Math.min(Math.max(at + step, 0), reasons.length - 1)];
        next.checked = true;
        next.focus();
    }
};
const press = (key) => {
    const inRow = currentRow()?.querySelector(`[data-key="${key}"]`);
    // Without a current row, what stands in rows is not meant.
    const onPage = [...document.querySelectorAll(`[data-key="${key}"]`)].find((each) => !each.closest('#result_list'));
    (inRow ?? onPage)?.click();
};
// The number of the chosen reason, once more, takes the choice back: the browser's own keys cannot.
const choose = (number) => {
    const reason = document.querySelector(`.reasons [data-number="${number}"] input`);
    if (reason) {
        reason.checked = !reason.checked;
        reason.focus();
    }
};
const help = document.getElementById('keys');
const actions = {
    j: () => move(1),
    k: () => move(-1),
    x: () => currentRow()?.querySelector('.action-select')?.click(),
    '/': () => document.getElementById('searchbar')?.focus(),
    '?': () => help?.showModal(),
};
document.querySelectorAll('[data-help]').forEach((button) => {
    button.addEventListener('click', () => help.showModal());
});
if (help) {
    const choice = document.getElementById('keys-on');
    choice.checked = keysOn();
    choice.addEventListener('change', () => {
        localStorage.setItem('keys', choice.checked ? 'on' : 'off');
        document.documentElement.classList.toggle('no-keys', !choice.checked);
    });
}
document.documentElement.classList.toggle('no-keys', !keysOn());
document.addEventListener('keydown', (event) => {
    // A key that is held down must not decide on the page that comes next.
    const isCommand = event.ctrlKey || event.metaKey || event.altKey || event.repeat;
    if (isCommand || !keysOn() || isTyping(event.target) || document.querySelector('dialog[open]')) {
        return;
    }
    if (/^[1-9]$/.test(event.key)) {
        choose(event.key);
    } else if (event.key in actions) {
        event.preventDefault();
        actions[event.key]();
    } else if (/^([a-z]|Escape)$/.test(event.key)) {
        press(event.key);
    }
});
