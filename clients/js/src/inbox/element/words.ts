// What the component says, in the languages that it speaks.

export interface Words {
  readonly title: string;
  bell(unread: number): string;
  readonly unread: string;
  readonly markAllRead: string;
  readonly markRead: string;
  readonly markUnread: string;
  readonly archive: string;
  readonly remove: string;
  readonly showOlder: string;
  readonly empty: string;
  readonly emptyHint: string;
  readonly loading: string;
  readonly waiting: string;
  waitingFor(why: string): string;
  readonly noAnswer: string;
  readonly noUser: string;
  readonly retry: string;
  readonly close: string;
  fresh(count: number, title: string): string;
  readonly notSaved: string;
  readonly logIn: string;
}

const en: Words = {
  title: "Notifications",
  bell: (unread) => (unread ? `Notifications, ${unread} unread` : "Notifications, none unread"),
  unread: "Unread",
  markAllRead: "Mark all as read",
  markRead: "Mark as read",
  markUnread: "Mark as unread",
  archive: "Archive",
  remove: "Delete",
  showOlder: "Show older",
  empty: "No notifications",
  emptyHint: "What is new will be here, without a reload.",
  loading: "Loading…",
  waiting: "No connection. Trying again…",
  waitingFor: (why) => `Not at the moment: ${why}`,
  noAnswer: "The hub does not answer.",
  noUser: "The attribute “user” or “url” is missing.",
  retry: "Try again",
  close: "Close",
  fresh: (count, title) => (count === 1 ? `New notification: ${title}` : `${count} new notifications`),
  notSaved: "That could not be saved.",
  logIn: "Please log in again: your session is over.",
};

const zh: Words = {
  title: "通知",
  bell: (unread) => (unread ? `通知，${unread} 条未读` : "通知，没有未读"),
  unread: "未读",
  markAllRead: "全部标为已读",
  markRead: "标为已读",
  markUnread: "标为未读",
  archive: "归档",
  remove: "删除",
  showOlder: "显示更早的",
  empty: "没有通知",
  emptyHint: "有新通知时会直接出现在这里，无需刷新。",
  loading: "正在加载…",
  waiting: "连接已断开，正在重试…",
  waitingFor: (why) => `暂时不可用：${why}`,
  noAnswer: "hub 没有响应。",
  noUser: "缺少属性 “user” 或 “url”。",
  retry: "重试",
  close: "关闭",
  fresh: (count, title) => (count === 1 ? `新通知：${title}` : `${count} 条新通知`),
  notSaved: "未能保存。",
  logIn: "登录已失效，请重新登录。",
};

export function wordsOf(language: string): Words {
  return /^zh\b/i.test(language) ? zh : en;
}
